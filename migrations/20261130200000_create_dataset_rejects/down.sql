ALTER TABLE dataset_imports DROP COLUMN rejected_rows;
DROP TABLE dataset_rejects;
