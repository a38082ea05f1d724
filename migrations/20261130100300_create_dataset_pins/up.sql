-- Versions that are kept for good, each by a name.
CREATE TABLE dataset_pins (
    dataset_id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL,
    made_by uuid,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dataset_pins_pkey PRIMARY KEY (dataset_id, name),
    CONSTRAINT dataset_pins_version_fkey FOREIGN KEY (dataset_id, version)
        REFERENCES dataset_versions (dataset_id, version) ON DELETE CASCADE,
    CONSTRAINT dataset_pins_made_by_fkey FOREIGN KEY (made_by) REFERENCES principals (id) ON DELETE SET NULL,
    CONSTRAINT dataset_pins_name_check CHECK (char_length(name) BETWEEN 1 AND 100)
);
CREATE INDEX dataset_pins_version_idx ON dataset_pins (dataset_id, version);
CREATE INDEX dataset_pins_made_by_idx ON dataset_pins (made_by);

-- How many versions are kept, and for how long; null is what the settings of the service say.
ALTER TABLE datasets
    ADD COLUMN keep_versions integer,
    ADD COLUMN keep_days integer,
    ADD CONSTRAINT datasets_keep_versions_check CHECK (keep_versions > 0) NOT VALID,
    ADD CONSTRAINT datasets_keep_days_check CHECK (keep_days > 0) NOT VALID;

ALTER TABLE dataset_versions
    ADD COLUMN purged_at timestamp with time zone,
    ADD COLUMN cleared_at timestamp with time zone;
COMMENT ON COLUMN dataset_versions.purged_at IS 'Since when the version cannot be read any more';
COMMENT ON COLUMN dataset_versions.cleared_at IS 'Since when there are no rows any more that only it needed';
