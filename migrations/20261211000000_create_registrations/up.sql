-- Accounts that somebody has asked for, where the address is to be confirmed first. There is one for an address that has an account
-- as well, so that asking for it leaves the same behind.
CREATE TABLE registrations (
    id uuid NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    username text,
    name text,
    profile jsonb NOT NULL,
    password_hash text NOT NULL,
    link bytea,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT registrations_pkey PRIMARY KEY (id),
    CONSTRAINT registrations_link_key UNIQUE (link)
);
CREATE INDEX registrations_email_key_idx ON registrations (email_key);
CREATE INDEX registrations_expires_at_idx ON registrations (expires_at);
COMMENT ON COLUMN registrations.email_key IS 'The email folded like users.email_key';
COMMENT ON COLUMN registrations.link IS 'Hash of the secret in the link that was written last, which is kept nowhere';
