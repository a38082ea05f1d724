-- The constraint as it was before it was validated.
ALTER TABLE dataset_versions
    DROP CONSTRAINT dataset_versions_kind_check,
    ADD CONSTRAINT dataset_versions_kind_check
        CHECK (kind IN ('append', 'replace', 'upsert', 'edit', 'schema')) NOT VALID;
