-- What is known of an address: that its owner has read a mail, and that its server takes none.
ALTER TABLE users
    ADD COLUMN email_verified_at timestamp with time zone,
    ADD COLUMN mail_paused_at timestamp with time zone,
    ADD COLUMN mail_paused_reason text;
COMMENT ON COLUMN users.mail_paused_at IS 'When the mail server refused the address for good; no notifications go there';

-- Links in mails that can be used once.
CREATE TABLE mail_links (
    hash bytea NOT NULL,
    user_id uuid NOT NULL,
    purpose text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    CONSTRAINT mail_links_pkey PRIMARY KEY (hash),
    CONSTRAINT mail_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT mail_links_purpose_check CHECK (purpose IN ('password_reset', 'email_confirm'))
);
CREATE INDEX mail_links_user_id_idx ON mail_links (user_id);
CREATE INDEX mail_links_expires_at_idx ON mail_links (expires_at);
COMMENT ON COLUMN mail_links.hash IS 'Of the secret in the link, which is kept nowhere';

COMMENT ON COLUMN mail_links.sent_at IS 'When a server took the mail; before, a try may have failed, and the next has a link of its own';

-- Whatever release changes an address or a password: what was true of the old one is not of the new one.
CREATE FUNCTION forget_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.email <> OLD.email THEN
        NEW.email_verified_at := NULL;
        NEW.mail_paused_at := NULL;
        NEW.mail_paused_reason := NULL;
        DELETE FROM mail_links WHERE user_id = NEW.id;
    ELSE
        DELETE FROM mail_links WHERE user_id = NEW.id AND purpose = 'password_reset';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER users_address_changed BEFORE UPDATE OF email, password_hash ON users
    FOR EACH ROW WHEN (NEW.email <> OLD.email OR NEW.password_hash <> OLD.password_hash)
    EXECUTE FUNCTION forget_address();

-- What the links are signed with by which a person stops mail. They stay good for as long as somebody keeps the mail, which is
-- longer than the keys that sign tokens live.
CREATE TABLE unsubscribe_keys (
    user_id uuid NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT unsubscribe_keys_pkey PRIMARY KEY (user_id),
    CONSTRAINT unsubscribe_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- A row can be there for the mail alone.
ALTER TABLE notifications
    ADD COLUMN in_app boolean DEFAULT true NOT NULL,
    ADD COLUMN mail text,
    ADD COLUMN mailed_at timestamp with time zone;
COMMENT ON COLUMN notifications.in_app IS 'Whether the person sees it without a mail';
COMMENT ON COLUMN notifications.mail IS 'How the person wants it by mail: now, daily, or null for not at all';
