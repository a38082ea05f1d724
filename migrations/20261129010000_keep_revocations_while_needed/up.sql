-- Each revocation says for how long it is needed, by what was really given out, and not each reader by its own settings. The
-- default is for the release that does not write it, and for the rows that are here: longer than any setting lets anything live.
ALTER TABLE revocations ADD COLUMN needed_until timestamp with time zone DEFAULT now() + interval '25 hours' NOT NULL;
COMMENT ON TABLE revocations IS 'Kept while anything that they end could be believed; the truth about a session is its own row';
COMMENT ON COLUMN revocations.needed_until IS 'By when all that it ends has run out everywhere, caches included';

ALTER TABLE sessions ADD COLUMN believed_until timestamp with time zone;
COMMENT ON COLUMN sessions.believed_until IS 'Until when what was given out may be believed without a look at this row: an access token while it lives, a cookie in a cache. Null where the release before used the session, which does not say';

-- The release before refreshes without a word about this; what was known until then is not enough any more.
CREATE FUNCTION forget_belief() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.believed_until := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER sessions_used_by_release_before BEFORE UPDATE ON sessions FOR EACH ROW
    WHEN (NEW.ended_at IS NULL AND OLD.believed_until IS NOT NULL AND NEW.believed_until = OLD.believed_until)
    EXECUTE FUNCTION forget_belief();
