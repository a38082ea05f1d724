-- Loses all datasets, with their rows.
DROP TABLE dataset_versions;
DROP TABLE dataset_imports;
DROP TABLE dataset_generations;
DROP TABLE datasets;
DROP SEQUENCE dataset_changes;
DROP SCHEMA dataset_rows CASCADE;
