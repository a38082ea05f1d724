DROP TABLE model_alias_moves;
DROP TABLE model_alias_targets;
DROP TABLE model_aliases;
DROP TABLE model_versions;
DROP TABLE models;
DROP FUNCTION keep_models_in_use();
DROP FUNCTION keep_model_bytes();
