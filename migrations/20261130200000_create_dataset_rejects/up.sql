-- The records of a file that an import could not take, as a file in parts that goes with the import.
CREATE TABLE dataset_rejects (
    import_id uuid NOT NULL,
    chunk integer NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT dataset_rejects_pkey PRIMARY KEY (import_id, chunk),
    CONSTRAINT dataset_rejects_import_id_fkey FOREIGN KEY (import_id) REFERENCES dataset_imports (id) ON DELETE CASCADE
);
ALTER TABLE dataset_imports ADD COLUMN rejected_rows bigint DEFAULT 0 NOT NULL;
COMMENT ON COLUMN dataset_imports.rejected_rows IS 'How many records dataset_rejects has of it';
