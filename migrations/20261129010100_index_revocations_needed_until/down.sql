DROP INDEX CONCURRENTLY IF EXISTS revocations_needed_until_idx;
