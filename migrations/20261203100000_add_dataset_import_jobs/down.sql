ALTER TABLE dataset_imports DROP COLUMN job_id;
