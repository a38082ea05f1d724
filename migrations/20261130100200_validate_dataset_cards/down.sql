-- The constraints as they were before they were validated.
ALTER TABLE datasets
    DROP CONSTRAINT datasets_licence_check,
    DROP CONSTRAINT datasets_source_check,
    DROP CONSTRAINT datasets_contact_check,
    DROP CONSTRAINT datasets_tags_check,
    ADD CONSTRAINT datasets_licence_check CHECK (char_length(licence) <= 200) NOT VALID,
    ADD CONSTRAINT datasets_source_check CHECK (char_length(source) <= 2000) NOT VALID,
    ADD CONSTRAINT datasets_contact_check CHECK (char_length(contact) <= 300) NOT VALID,
    ADD CONSTRAINT datasets_tags_check CHECK (cardinality(tags) <= 20) NOT VALID;
