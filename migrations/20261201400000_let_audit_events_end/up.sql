-- For how long the trail is kept; null keeps all of it. `migrate up` writes this function anew from the setting, as the owner: the
-- role that the service runs as can replace no function, so it cannot shorten the time.
CREATE FUNCTION audit_kept_for() RETURNS interval LANGUAGE sql STABLE AS 'SELECT NULL::interval';

-- Rows are only ever added, and removed once they are older than that, whoever asks.
CREATE FUNCTION refuse_early_removal() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.at < now() - audit_kept_for() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
DROP TRIGGER audit_events_append_only ON audit_events;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_kept BEFORE DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_early_removal();

-- Removes what is older, some of it at a time, and says how much. The service has no other way to remove any: it runs as the owner,
-- and whoever calls it says neither what nor how old. Ids are in the order of time, so the oldest are found without another index.
CREATE FUNCTION purge_audit_events(most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    removed integer;
BEGIN
    DELETE FROM audit_events WHERE id IN (
        SELECT id FROM (SELECT id, at FROM audit_events ORDER BY id LIMIT most) AS oldest
        WHERE at < now() - audit_kept_for());
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION purge_audit_events(integer) FROM PUBLIC;
