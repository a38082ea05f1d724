-- Invitations to a project by mail: who reads the letter may become a member. One is there for as long as it can be accepted, and
-- is gone with the membership of who gave it.
CREATE TABLE project_invitations (
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    role text NOT NULL,
    invited_by uuid NOT NULL,
    letter text DEFAULT 'waiting' NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT project_invitations_pkey PRIMARY KEY (id),
    CONSTRAINT project_invitations_email_key_key UNIQUE (project_id, email_key),
    CONSTRAINT project_invitations_invited_by_fkey FOREIGN KEY (invited_by, project_id)
        REFERENCES project_members (principal_id, project_id) ON DELETE CASCADE,
    CONSTRAINT project_invitations_role_check CHECK (role IN ('viewer', 'editor', 'owner')),
    CONSTRAINT project_invitations_letter_check CHECK (letter IN ('waiting', 'sent', 'refused'))
);
CREATE INDEX project_invitations_invited_by_idx ON project_invitations (invited_by, project_id);
CREATE INDEX project_invitations_expires_at_idx ON project_invitations (expires_at);
COMMENT ON COLUMN project_invitations.email_key IS 'The email folded like users.email_key';
COMMENT ON COLUMN project_invitations.letter IS 'What became of the mail';
COMMENT ON COLUMN project_invitations.version IS 'Rises when something becomes of the mail; the ETag';
COMMENT ON COLUMN project_invitations.created_at IS 'The time in the id, so that sorted by the one is sorted by the other';

-- Each try to send the letter has a link of its own, and all of them are good until one is used.
CREATE TABLE invitation_links (
    hash bytea NOT NULL,
    invitation_id uuid NOT NULL,
    CONSTRAINT invitation_links_pkey PRIMARY KEY (hash),
    CONSTRAINT invitation_links_invitation_id_fkey FOREIGN KEY (invitation_id)
        REFERENCES project_invitations (id) ON DELETE CASCADE
);
CREATE INDEX invitation_links_invitation_id_idx ON invitation_links (invitation_id);
COMMENT ON COLUMN invitation_links.hash IS 'Of the secret in the link, which is kept nowhere';

-- Whatever release takes the right to invite away: what was given by that right goes with it.
CREATE FUNCTION withdraw_invitations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM project_invitations WHERE invited_by = OLD.principal_id AND project_id = OLD.project_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER project_members_demoted AFTER UPDATE OF role ON project_members
    FOR EACH ROW WHEN (OLD.role = 'owner' AND NEW.role <> 'owner') EXECUTE FUNCTION withdraw_invitations();

CREATE FUNCTION withdraw_all_invitations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM project_invitations WHERE invited_by = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER users_disabled AFTER UPDATE OF is_disabled ON users
    FOR EACH ROW WHEN (NEW.is_disabled AND NOT OLD.is_disabled) EXECUTE FUNCTION withdraw_all_invitations();

-- Addresses without a known account to which the mail server took no mail lately, so that none is tried again for a while.
CREATE TABLE refused_addresses (
    hash bytea NOT NULL,
    refused_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT refused_addresses_pkey PRIMARY KEY (hash)
);
CREATE INDEX refused_addresses_refused_at_idx ON refused_addresses (refused_at);
COMMENT ON COLUMN refused_addresses.hash IS 'SHA-256 of the email folded like users.email_key: no list of strangers is kept';
