-- Whom a post is found by, and whom a caller may find, as keys in one index with the words: a match
-- that the caller may not see is passed over there, and neither read nor judged. The statement
-- judges what is left, so a key may admit too much, never too little.
--
-- The nil id stands for everybody, a project's id for those who read it, its draft key for those
-- who write in it, an account's id for the author of a draft. The last id there is stands for any
-- project: callers who read very many ask for that. Nothing of ours is named here: an index is also
-- made and analyzed where names of this schema mean nothing.
CREATE FUNCTION post_readers(published boolean, project uuid, author uuid) RETURNS uuid[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN project IS NULL THEN ARRAY[CASE WHEN published THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE author END]
        WHEN published THEN ARRAY['ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, project]
        ELSE ARRAY['ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, ('ffffffff' || substr(project::text, 9))::uuid, author] END
$$;
CREATE FUNCTION reader_keys(caller uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    everybody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    any_project CONSTANT uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    projects_read uuid[];
BEGIN
    IF caller IS NULL THEN
        RETURN ARRAY[everybody];
    END IF;
    projects_read := ARRAY(
        SELECT key FROM (
            SELECT project_id AS key FROM project_members WHERE principal_id = caller
            UNION ALL SELECT (post_readers(false, project_id, NULL))[2] FROM project_members
                WHERE principal_id = caller AND role IN ('editor', 'owner')
            UNION ALL SELECT id FROM projects WHERE visibility = 'internal') AS readable
        LIMIT 101);
    -- Every match is held against every key, so there is an end to how many may be.
    IF cardinality(projects_read) > 100 THEN
        projects_read := ARRAY[any_project];
    END IF;
    RETURN ARRAY[everybody, caller] || projects_read;
END
$$;
