-- Loses for how long each revocation is needed: readers go by their own settings again.
DROP TRIGGER sessions_used_by_release_before ON sessions;
DROP FUNCTION forget_belief();
ALTER TABLE sessions DROP COLUMN believed_until;
ALTER TABLE revocations DROP COLUMN needed_until;
COMMENT ON TABLE revocations IS 'Kept for longer than an access token lives; the truth about a session is its own row';
