CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_lane_due_at_idx ON jobs (lane, due_at, id);
