-- The profiles are lost; they are computed again when somebody asks.
DROP TABLE dataset_profiles;
