ALTER TABLE idempotent_answers DROP COLUMN project_id;
