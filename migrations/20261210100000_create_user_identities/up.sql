-- Who somebody is elsewhere: a provider of single sign-on and its name for them lead to an account.
CREATE TABLE user_identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    gives_admin boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_identities_pkey PRIMARY KEY (issuer, subject),
    CONSTRAINT user_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_identities_issuer_check CHECK (char_length(issuer) BETWEEN 1 AND 500),
    CONSTRAINT user_identities_subject_check CHECK (char_length(subject) BETWEEN 1 AND 255)
);
CREATE INDEX user_identities_user_id_idx ON user_identities (user_id);
COMMENT ON COLUMN user_identities.gives_admin IS 'The account administers because of a group of this identity, and will no more without it';
