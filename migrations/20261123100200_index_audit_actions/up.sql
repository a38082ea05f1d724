CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_action_idx ON audit_events (action, id);
