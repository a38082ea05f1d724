-- The project that the answer shows something of. No reference: an answer ends by itself, and
-- without its project it is not given.
ALTER TABLE idempotent_answers ADD COLUMN project_id uuid;
COMMENT ON COLUMN idempotent_answers.project_id IS 'Only who can read this project is given the answer again';
