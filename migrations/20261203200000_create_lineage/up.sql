-- Which version of a dataset or a model came from which. The ids name what may be gone: a row stays until both of its ends are.
CREATE TABLE lineage (
    from_id uuid NOT NULL,
    from_version bigint NOT NULL,
    to_id uuid NOT NULL,
    to_version bigint NOT NULL,
    kind text NOT NULL,
    made_by uuid,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT lineage_pkey PRIMARY KEY (to_id, to_version, from_id, from_version, kind),
    CONSTRAINT lineage_made_by_fkey FOREIGN KEY (made_by) REFERENCES principals (id) ON DELETE SET NULL,
    CONSTRAINT lineage_kind_check CHECK (kind IN ('trained_on', 'scored', 'made_from'))
);
CREATE INDEX lineage_from_idx ON lineage (from_id, from_version);
CREATE INDEX lineage_made_by_idx ON lineage (made_by);
COMMENT ON COLUMN lineage.kind IS 'A model was trained on a dataset, a model scored what became a dataset, a dataset was made from one';

CREATE FUNCTION forget_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM lineage WHERE from_id = OLD.id
        AND NOT EXISTS (SELECT FROM datasets WHERE datasets.id = to_id)
        AND NOT EXISTS (SELECT FROM models WHERE models.id = to_id);
    DELETE FROM lineage WHERE to_id = OLD.id
        AND NOT EXISTS (SELECT FROM datasets WHERE datasets.id = from_id)
        AND NOT EXISTS (SELECT FROM models WHERE models.id = from_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER datasets_lineage AFTER DELETE ON datasets FOR EACH ROW EXECUTE FUNCTION forget_lineage();
CREATE TRIGGER models_lineage AFTER DELETE ON models FOR EACH ROW EXECUTE FUNCTION forget_lineage();
