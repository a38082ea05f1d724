-- What a dataset says of itself besides its description.
ALTER TABLE datasets
    ADD COLUMN licence text,
    ADD COLUMN source text,
    ADD COLUMN contact text,
    ADD COLUMN tags text[] DEFAULT '{}' NOT NULL,
    ADD CONSTRAINT datasets_licence_check CHECK (char_length(licence) <= 200) NOT VALID,
    ADD CONSTRAINT datasets_source_check CHECK (char_length(source) <= 2000) NOT VALID,
    ADD CONSTRAINT datasets_contact_check CHECK (char_length(contact) <= 300) NOT VALID,
    ADD CONSTRAINT datasets_tags_check CHECK (cardinality(tags) <= 20) NOT VALID;
