-- What a principal may do in a project once the rows are locked that a vote waits for: the ones that
-- its references name, and the count of votes last, as they are locked when the vote is written. No
-- wait comes after the look at the role, so whoever was removed meanwhile votes no more. STRICT: for
-- a post in no project nothing is looked at, and nothing is locked before the vote itself does it.
CREATE FUNCTION role_held(project uuid, post uuid, principal uuid) RETURNS text LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    PERFORM FROM principals WHERE id = principal FOR KEY SHARE;
    PERFORM FROM posts WHERE id = post FOR KEY SHARE;
    PERFORM FROM post_scores WHERE post_id = post FOR NO KEY UPDATE;
    RETURN (SELECT role FROM project_members WHERE project_id = project AND principal_id = principal);
END
$$;
