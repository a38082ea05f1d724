ALTER TABLE datasets
    VALIDATE CONSTRAINT datasets_keep_versions_check,
    VALIDATE CONSTRAINT datasets_keep_days_check;
