DROP FUNCTION take_attempt(bytea[], double precision[], double precision[], text);
DROP FUNCTION return_attempt(bytea[], double precision[], boolean, double precision, text);
DROP FUNCTION tokens_now(attempt_buckets, double precision, double precision);
DROP TABLE audit_events, idempotent_answers, attempt_buckets, revocations, api_tokens, sessions, users, principals;
DROP FUNCTION refuse_change();
DROP FUNCTION announce_revocations();
