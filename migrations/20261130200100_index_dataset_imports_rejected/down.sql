DROP INDEX CONCURRENTLY IF EXISTS dataset_imports_rejected_idx;
