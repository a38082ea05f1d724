CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_internal_idx ON projects (id) WHERE visibility = 'internal';
