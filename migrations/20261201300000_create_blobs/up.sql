-- Bytes that are kept, in parts of 256 KiB. They are written part by part, count once they have a digest, and are removed in steps
-- after whoever had them has let them go.
CREATE TABLE blobs (
    id uuid NOT NULL,
    size bigint,
    sha256 bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    released_at timestamp with time zone,
    CONSTRAINT blobs_pkey PRIMARY KEY (id),
    CONSTRAINT blobs_complete_check CHECK ((size IS NULL) = (sha256 IS NULL))
);
COMMENT ON COLUMN blobs.released_at IS 'Since when nobody has it any more';
CREATE INDEX blobs_unused_idx ON blobs (created_at) WHERE size IS NULL OR released_at IS NOT NULL;

CREATE TABLE blob_parts (
    blob_id uuid NOT NULL,
    place integer NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT blob_parts_pkey PRIMARY KEY (blob_id, place),
    CONSTRAINT blob_parts_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES blobs (id)
);
-- They are packed already.
ALTER TABLE blob_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- For tables that have a blob in `blob_id`: what deletes their rows, by whichever way, lets go of it.
CREATE FUNCTION release_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE blobs SET released_at = now() WHERE id = OLD.blob_id;
    RETURN NULL;
END
$$;

-- Versions of datasets as files that stay.
CREATE TABLE dataset_files (
    dataset_id uuid NOT NULL,
    version bigint NOT NULL,
    blob_id uuid NOT NULL,
    CONSTRAINT dataset_files_pkey PRIMARY KEY (dataset_id, version),
    CONSTRAINT dataset_files_version_fkey FOREIGN KEY (dataset_id, version)
        REFERENCES dataset_versions (dataset_id, version) ON DELETE CASCADE,
    CONSTRAINT dataset_files_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES blobs (id),
    CONSTRAINT dataset_files_blob_id_key UNIQUE (blob_id)
);
CREATE TRIGGER dataset_files_release AFTER DELETE ON dataset_files FOR EACH ROW EXECUTE FUNCTION release_blob();
