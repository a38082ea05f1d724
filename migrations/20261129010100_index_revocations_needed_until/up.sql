CREATE INDEX CONCURRENTLY IF NOT EXISTS revocations_needed_until_idx ON revocations (needed_until);
