CREATE INDEX CONCURRENTLY IF NOT EXISTS users_admins_idx ON users (id) WHERE is_admin AND NOT is_disabled;
