ALTER TABLE datasets
    VALIDATE CONSTRAINT datasets_licence_check,
    VALIDATE CONSTRAINT datasets_source_check,
    VALIDATE CONSTRAINT datasets_contact_check,
    VALIDATE CONSTRAINT datasets_tags_check;
