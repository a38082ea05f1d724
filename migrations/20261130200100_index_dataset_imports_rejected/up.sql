CREATE INDEX CONCURRENTLY IF NOT EXISTS dataset_imports_rejected_idx ON dataset_imports (ended_at) WHERE rejected_rows > 0;
