-- What the records of a dataset have to be together. The rules of a column stand with it in column_list.
ALTER TABLE datasets
    ADD COLUMN rules jsonb DEFAULT '{}' NOT NULL,
    ADD COLUMN rules_since bigint DEFAULT 0 NOT NULL;
COMMENT ON COLUMN datasets.rules_since IS 'The version since which the rules are as they are';

-- A change of rules is a version.
ALTER TABLE dataset_versions
    DROP CONSTRAINT dataset_versions_kind_check,
    ADD CONSTRAINT dataset_versions_kind_check
        CHECK (kind IN ('append', 'replace', 'upsert', 'edit', 'schema')) NOT VALID;
