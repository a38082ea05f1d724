-- Where the word goes that an account has another address: the address that it had, for as long as a mail is on its way there.
CREATE TABLE former_addresses (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT former_addresses_pkey PRIMARY KEY (id),
    CONSTRAINT former_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX former_addresses_user_id_idx ON former_addresses (user_id);
CREATE INDEX former_addresses_changed_at_idx ON former_addresses (changed_at);
