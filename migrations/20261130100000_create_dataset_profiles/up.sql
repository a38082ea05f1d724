-- What the columns of a version hold, computed once because a version never changes.
CREATE TABLE dataset_profiles (
    dataset_id uuid NOT NULL,
    version bigint NOT NULL,
    profile jsonb NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dataset_profiles_pkey PRIMARY KEY (dataset_id, version),
    CONSTRAINT dataset_profiles_version_fkey FOREIGN KEY (dataset_id, version)
        REFERENCES dataset_versions (dataset_id, version) ON DELETE CASCADE
);
