-- Without the id, which a plan for an empty table would rather look for in here, reading all of it, than in the primary key. Jobs that are
-- due at the same moment are found in the order in which they lie in the table.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_lane_due_idx ON jobs (lane, due_at);
