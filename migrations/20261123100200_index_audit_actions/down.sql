DROP INDEX CONCURRENTLY IF EXISTS audit_events_action_idx;
