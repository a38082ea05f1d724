CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_idle_ends_at_idx ON sessions (idle_ends_at);
