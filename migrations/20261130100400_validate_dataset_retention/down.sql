-- The constraints as they were before they were validated.
ALTER TABLE datasets
    DROP CONSTRAINT datasets_keep_versions_check,
    DROP CONSTRAINT datasets_keep_days_check,
    ADD CONSTRAINT datasets_keep_versions_check CHECK (keep_versions > 0) NOT VALID,
    ADD CONSTRAINT datasets_keep_days_check CHECK (keep_days > 0) NOT VALID;
