-- Imports whose rows a job brings: they wait for it, and are not swept up meanwhile.
ALTER TABLE dataset_imports ADD COLUMN job_id bigint;
COMMENT ON COLUMN dataset_imports.job_id IS 'The job that brings its rows; none where somebody sends them';
