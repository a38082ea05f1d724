DROP INDEX CONCURRENTLY IF EXISTS sessions_idle_ends_at_idx;
