-- Models, their versions whose bytes never change, and the aliases by which they are asked.
CREATE TABLE models (
    id uuid NOT NULL,
    project_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    last_version bigint DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    created_by uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT models_pkey PRIMARY KEY (id),
    CONSTRAINT models_name_key UNIQUE (name),
    CONSTRAINT models_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT models_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals (id) ON DELETE SET NULL,
    CONSTRAINT models_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT models_description_check CHECK (char_length(description) <= 10000)
);
CREATE INDEX models_project_id_idx ON models (project_id, id);
CREATE INDEX models_created_by_idx ON models (created_by);
COMMENT ON COLUMN models.last_version IS 'The number that was given last; a number is given once';

CREATE TABLE model_versions (
    model_id uuid NOT NULL,
    version bigint NOT NULL,
    blob_id uuid NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    state text NOT NULL,
    problem text,
    signature jsonb,
    description text,
    licence text,
    tags text[] DEFAULT '{}' NOT NULL,
    metrics jsonb DEFAULT '{}' NOT NULL,
    golden jsonb,
    golden_state text,
    golden_problem text,
    idempotency_key text,
    revision bigint DEFAULT 1 NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT model_versions_pkey PRIMARY KEY (model_id, version),
    CONSTRAINT model_versions_model_id_fkey FOREIGN KEY (model_id) REFERENCES models (id) ON DELETE CASCADE,
    CONSTRAINT model_versions_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES blobs (id),
    CONSTRAINT model_versions_blob_id_key UNIQUE (blob_id),
    CONSTRAINT model_versions_created_by_fkey FOREIGN KEY (created_by) REFERENCES principals (id) ON DELETE SET NULL,
    CONSTRAINT model_versions_state_check CHECK (state IN ('checking', 'ready', 'failed')),
    CONSTRAINT model_versions_golden_state_check CHECK (golden_state IN ('passed', 'failed')),
    CONSTRAINT model_versions_golden_check CHECK ((golden IS NULL) = (golden_state IS NULL)),
    CONSTRAINT model_versions_description_check CHECK (char_length(description) <= 10000),
    CONSTRAINT model_versions_licence_check CHECK (char_length(licence) <= 200)
);
CREATE INDEX model_versions_created_by_idx ON model_versions (created_by);
CREATE UNIQUE INDEX model_versions_idempotency_key_idx ON model_versions (model_id, created_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
COMMENT ON COLUMN model_versions.problem IS 'Why it has failed, for those who sent it';
COMMENT ON COLUMN model_versions.signature IS 'What it takes and gives, as the runtime read it';
CREATE TRIGGER model_versions_release AFTER DELETE ON model_versions FOR EACH ROW EXECUTE FUNCTION release_blob();

-- What was uploaded under a number stays what it was.
CREATE FUNCTION keep_model_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the bytes of a version of a model never change' USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER model_versions_bytes BEFORE UPDATE ON model_versions FOR EACH ROW
    WHEN ((OLD.model_id, OLD.version, OLD.blob_id, OLD.size, OLD.sha256) IS DISTINCT FROM (NEW.model_id, NEW.version, NEW.blob_id, NEW.size, NEW.sha256))
    EXECUTE FUNCTION keep_model_bytes();

CREATE TABLE model_aliases (
    model_id uuid NOT NULL,
    name text NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT model_aliases_pkey PRIMARY KEY (model_id, name),
    CONSTRAINT model_aliases_model_id_fkey FOREIGN KEY (model_id) REFERENCES models (id) ON DELETE CASCADE,
    CONSTRAINT model_aliases_name_check CHECK (char_length(name) BETWEEN 1 AND 100)
);
COMMENT ON COLUMN model_aliases.revision IS 'The move that made it what it is';

-- A version that an alias leads to cannot be deleted.
CREATE TABLE model_alias_targets (
    model_id uuid NOT NULL,
    alias text NOT NULL,
    version bigint NOT NULL,
    weight integer NOT NULL,
    CONSTRAINT model_alias_targets_pkey PRIMARY KEY (model_id, alias, version),
    CONSTRAINT model_alias_targets_alias_fkey FOREIGN KEY (model_id, alias) REFERENCES model_aliases (model_id, name) ON DELETE CASCADE,
    CONSTRAINT model_alias_targets_version_fkey FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version),
    CONSTRAINT model_alias_targets_weight_check CHECK (weight BETWEEN 0 AND 1000000)
);
CREATE INDEX model_alias_targets_version_idx ON model_alias_targets (model_id, version);
COMMENT ON COLUMN model_alias_targets.weight IS 'Its share of the requests; 0 gets copies whose answers nobody sees';

-- Every move of every alias, for as long as the model is there.
CREATE TABLE model_alias_moves (
    model_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    alias text NOT NULL,
    weights jsonb NOT NULL,
    shadow bigint,
    reason text,
    moved_by uuid,
    moved_at timestamp with time zone DEFAULT now() NOT NULL,
    request_id text,
    CONSTRAINT model_alias_moves_pkey PRIMARY KEY (model_id, alias, number),
    CONSTRAINT model_alias_moves_model_id_fkey FOREIGN KEY (model_id) REFERENCES models (id) ON DELETE CASCADE,
    CONSTRAINT model_alias_moves_moved_by_fkey FOREIGN KEY (moved_by) REFERENCES principals (id) ON DELETE SET NULL,
    CONSTRAINT model_alias_moves_alias_check CHECK (char_length(alias) BETWEEN 1 AND 100),
    CONSTRAINT model_alias_moves_reason_check CHECK (char_length(reason) <= 1000)
);
CREATE INDEX model_alias_moves_moved_by_idx ON model_alias_moves (moved_by);
COMMENT ON COLUMN model_alias_moves.weights IS 'Shares by version; empty where the alias was removed';

-- A model that is asked by an alias is not deleted, neither by itself nor with its project.
CREATE FUNCTION keep_models_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    aliases text[];
BEGIN
    SELECT array_agg(name ORDER BY name) INTO aliases FROM model_aliases WHERE model_id = OLD.id;
    IF aliases IS NOT NULL THEN
        RAISE EXCEPTION 'the model % is asked by its alias %; remove the alias first', OLD.name, aliases[1]
            USING ERRCODE = 'check_violation', CONSTRAINT = 'models_alias_in_use';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER models_alias_in_use BEFORE DELETE ON models FOR EACH ROW EXECUTE FUNCTION keep_models_in_use();
