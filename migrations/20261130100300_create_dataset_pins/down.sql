-- The pins are lost, and how long versions are kept; versions that were purged look as if they were kept.
ALTER TABLE dataset_versions
    DROP COLUMN cleared_at,
    DROP COLUMN purged_at;
ALTER TABLE datasets
    DROP COLUMN keep_days,
    DROP COLUMN keep_versions;
DROP TABLE dataset_pins;
