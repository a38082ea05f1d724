-- The rules are lost, and versions that changed rules look like edits. Tables keep the constraints that they have.
UPDATE dataset_versions SET kind = 'edit' WHERE kind = 'schema';
ALTER TABLE dataset_versions
    DROP CONSTRAINT dataset_versions_kind_check,
    ADD CONSTRAINT dataset_versions_kind_check CHECK (kind IN ('append', 'replace', 'upsert', 'edit'));
ALTER TABLE datasets
    DROP COLUMN rules_since,
    DROP COLUMN rules;
