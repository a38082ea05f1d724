-- Who may act. Everything that somebody does or owns refers to a principal, so that a workload can do what a person can.
CREATE TABLE principals (
    id uuid NOT NULL,
    kind text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT principals_pkey PRIMARY KEY (id),
    CONSTRAINT principals_kind_check CHECK (kind IN ('user', 'workload'))
);

CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    username text,
    username_key text,
    name text,
    profile jsonb DEFAULT '{}' NOT NULL,
    password_hash text NOT NULL,
    is_admin boolean DEFAULT false NOT NULL,
    is_disabled boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_id_fkey FOREIGN KEY (id) REFERENCES principals (id) ON DELETE CASCADE,
    CONSTRAINT users_email_key_key UNIQUE (email_key),
    CONSTRAINT users_username_key_key UNIQUE (username_key),
    CONSTRAINT users_username_check CHECK ((username IS NULL) = (username_key IS NULL))
);
COMMENT ON COLUMN users.email_key IS 'The email folded by case and width (NFKC, lower case): two that look alike are one';
COMMENT ON COLUMN users.username_key IS 'The username folded like email_key';
COMMENT ON COLUMN users.password_hash IS 'argon2id in PHC form';
COMMENT ON COLUMN users.version IS 'Rises with every change; the ETag';

-- One row per sign-in, by cookie or bearer: what can be listed and ended.
CREATE TABLE sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    cookie_hash bytea,
    generation bigint DEFAULT 0 NOT NULL,
    rotated_at timestamp with time zone DEFAULT now() NOT NULL,
    idle_ends_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_reason text,
    address text,
    user_agent text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_cookie_hash_key UNIQUE (cookie_hash),
    CONSTRAINT sessions_kind_check CHECK (kind IN ('bearer', 'cookie')),
    CONSTRAINT sessions_cookie_check CHECK ((kind = 'cookie') = (cookie_hash IS NOT NULL))
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_ends_at_idx ON sessions (ends_at);
COMMENT ON COLUMN sessions.generation IS 'Number of the live refresh token; each is derived from the session and its number, so none is stored';
COMMENT ON COLUMN sessions.rotated_at IS 'When the live refresh token was made: its predecessor is still good for the grace after it';
COMMENT ON COLUMN sessions.idle_ends_at IS 'When the live refresh token or the cookie ends unless it is used';
COMMENT ON COLUMN sessions.ends_at IS 'When the session ends however much it is used';

-- Secrets of machines, shown once and kept as hashes.
CREATE TABLE api_tokens (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    access text NOT NULL,
    secret_hash bytea NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT api_tokens_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT api_tokens_access_check CHECK (access IN ('read', 'write'))
);
CREATE INDEX api_tokens_user_id_idx ON api_tokens (user_id);

-- What every replica must stop accepting at once: a session, an API token, or everything of a user.
CREATE TABLE revocations (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    subject uuid NOT NULL,
    revoked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    made_by bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    CONSTRAINT revocations_pkey PRIMARY KEY (id)
);
CREATE INDEX revocations_subject_idx ON revocations (subject);
CREATE INDEX revocations_revoked_at_idx ON revocations (revoked_at);
CREATE INDEX revocations_made_by_idx ON revocations (made_by);
COMMENT ON TABLE revocations IS 'Kept for longer than an access token lives; the truth about a session is its own row';
COMMENT ON COLUMN revocations.made_by IS 'The transaction: whoever has seen all below a snapshot''s xmin misses nothing of those that end late';

-- The channel carries no content: a listener reads the table, so a lost or merged notification costs time and nothing else.
CREATE FUNCTION announce_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY chartroom_revocations;
    RETURN NULL;
END
$$;
CREATE TRIGGER revocations_announced AFTER INSERT ON revocations FOR EACH STATEMENT EXECUTE FUNCTION announce_revocations();

-- Token buckets of sign-in attempts, exact across replicas and restarts.
CREATE TABLE attempt_buckets (
    key bytea NOT NULL,
    tokens double precision NOT NULL,
    counted_at timestamp with time zone NOT NULL,
    proven_until timestamp with time zone,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT attempt_buckets_pkey PRIMARY KEY (key)
);
CREATE INDEX attempt_buckets_forget_at_idx ON attempt_buckets (forget_at);
COMMENT ON COLUMN attempt_buckets.key IS 'Hash of what is limited: an account, an address prefix, or the two together';
COMMENT ON COLUMN attempt_buckets.proven_until IS 'Of an account and a prefix together: until when a success from there counts';
COMMENT ON COLUMN attempt_buckets.forget_at IS 'When the bucket is full again and nothing is proven any more, so that the row says nothing';

CREATE FUNCTION tokens_now(bucket attempt_buckets, burst double precision, per_second double precision)
RETURNS double precision LANGUAGE sql VOLATILE
RETURN least(burst, bucket.tokens + per_second * greatest(0, extract(epoch FROM clock_timestamp() - bucket.counted_at)));

-- Takes one token of each of three buckets, or none: of the pair, of the account unless the pair is proven, of the address.
-- Everybody locks in this order, so nobody deadlocks. `refused` is the place of the bucket that had none. `patience` is not
-- looked at: the caller sets there for how long a locked row is waited for, and whoever waits longer is `busy`.
CREATE FUNCTION take_attempt(
    keys bytea[], bursts double precision[], per_second double precision[], patience text,
    OUT refused integer, OUT wait_seconds double precision, OUT proven boolean, OUT busy boolean
) LANGUAGE plpgsql AS $$
DECLARE
    missing double precision;
    until timestamp with time zone;
BEGIN
    refused := 0;
    wait_seconds := 0;
    busy := false;
    SELECT coalesce(bool_or(proven_until > clock_timestamp()), false) INTO proven FROM attempt_buckets WHERE key = keys[1];
    -- A look without locks: a flood of refusals writes nothing and queues nowhere.
    FOR place IN 1..3 LOOP
        CONTINUE WHEN place = 2 AND proven;
        SELECT 1 - tokens_now(bucket, bursts[place], per_second[place]) INTO missing
            FROM attempt_buckets AS bucket WHERE key = keys[place];
        IF missing / per_second[place] > wait_seconds THEN
            refused := place;
            wait_seconds := missing / per_second[place];
        END IF;
    END LOOP;
    IF refused > 0 THEN
        RETURN;
    END IF;
    BEGIN
        FOR place IN 1..3 LOOP
            CONTINUE WHEN place = 2 AND proven;
            refused := place;
            wait_seconds := 1 / per_second[place];
            INSERT INTO attempt_buckets AS bucket (key, tokens, counted_at, forget_at)
                VALUES (keys[place], bursts[place] - 1, clock_timestamp(), clock_timestamp() + make_interval(secs => wait_seconds))
                ON CONFLICT (key) DO UPDATE SET
                    tokens = tokens_now(bucket, bursts[place], per_second[place]) - 1,
                    counted_at = clock_timestamp(),
                    forget_at = greatest(bucket.forget_at, clock_timestamp() + make_interval(secs =>
                        (bursts[place] + 1 - tokens_now(bucket, bursts[place], per_second[place])) / per_second[place]))
                    WHERE tokens_now(bucket, bursts[place], per_second[place]) >= 1
                RETURNING bucket.proven_until INTO until;
            IF NOT FOUND THEN
                RAISE SQLSTATE 'CR429';
            END IF;
            IF place = 1 THEN
                proven := coalesce(until > clock_timestamp(), false);
            END IF;
        END LOOP;
        refused := 0;
        wait_seconds := 0;
    EXCEPTION
        WHEN SQLSTATE 'CR429' THEN
            NULL;
        WHEN lock_not_available THEN
            busy := true;
            wait_seconds := 1;
    END;
END
$$;

-- Gives back what `take_attempt` took; with `remember_seconds`, the pair counts as proven for so long.
CREATE FUNCTION return_attempt(
    keys bytea[], bursts double precision[], took_account boolean, remember_seconds double precision, patience text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF remember_seconds IS NOT NULL THEN
        INSERT INTO attempt_buckets AS bucket (key, tokens, counted_at, proven_until, forget_at)
            SELECT keys[1], bursts[1], clock_timestamp(), until, until
            FROM (SELECT clock_timestamp() + make_interval(secs => remember_seconds)) AS remembered (until)
            ON CONFLICT (key) DO UPDATE SET
                tokens = least(bursts[1], bucket.tokens + 1),
                proven_until = excluded.proven_until,
                forget_at = greatest(bucket.forget_at, excluded.forget_at);
    ELSE
        UPDATE attempt_buckets SET tokens = least(bursts[1], tokens + 1) WHERE key = keys[1];
    END IF;
    IF took_account THEN
        UPDATE attempt_buckets SET tokens = least(bursts[2], tokens + 1) WHERE key = keys[2];
    END IF;
    UPDATE attempt_buckets SET tokens = least(bursts[3], tokens + 1) WHERE key = keys[3];
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN false;
END
$$;

-- Answers to POSTs that came with an Idempotency-Key, each written by the transaction that did the work.
CREATE TABLE idempotent_answers (
    principal_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea,
    expires_at timestamp with time zone DEFAULT now() + interval '24 hours' NOT NULL,
    CONSTRAINT idempotent_answers_pkey PRIMARY KEY (principal_id, key),
    CONSTRAINT idempotent_answers_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principals (id) ON DELETE CASCADE
);
CREATE INDEX idempotent_answers_expires_at_idx ON idempotent_answers (expires_at);
COMMENT ON COLUMN idempotent_answers.fingerprint IS 'Hash of method, path and body';
COMMENT ON COLUMN idempotent_answers.body IS 'Null where it was too large to keep';

-- Who did what, when, from where. Rows are only ever added.
CREATE TABLE audit_events (
    id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    target_id uuid,
    address text,
    request_id text,
    detail jsonb DEFAULT '{}' NOT NULL,
    CONSTRAINT audit_events_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_events_actor_id_idx ON audit_events (actor_id, id);
CREATE INDEX audit_events_target_id_idx ON audit_events (target_id, id);
COMMENT ON COLUMN audit_events.actor_id IS 'No reference: the event outlives its actor';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
