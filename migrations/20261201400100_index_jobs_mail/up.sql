CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_mail_created_at_idx ON jobs (created_at) WHERE kind LIKE 'mail.%' AND kind NOT LIKE 'mail.digest.%';
