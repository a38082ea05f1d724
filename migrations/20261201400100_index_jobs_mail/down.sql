DROP INDEX CONCURRENTLY IF EXISTS jobs_mail_created_at_idx;
