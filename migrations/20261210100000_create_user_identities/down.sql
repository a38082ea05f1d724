-- Loses who signs in by which provider.
DROP TABLE user_identities;
