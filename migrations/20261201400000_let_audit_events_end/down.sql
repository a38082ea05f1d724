DROP FUNCTION purge_audit_events(integer);
DROP TRIGGER audit_events_kept ON audit_events;
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP FUNCTION refuse_early_removal();
DROP FUNCTION audit_kept_for();
