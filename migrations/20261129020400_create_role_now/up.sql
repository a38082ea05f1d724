-- What a principal may do in a project now, which is later than the snapshot of the statement that
-- asks: a volatile function looks anew. For statements that have waited for a row: whoever was
-- removed meanwhile must not write any more.
CREATE FUNCTION role_now(project uuid, principal uuid) RETURNS text LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    RETURN (SELECT role FROM project_members WHERE project_id = project AND principal_id = principal);
END
$$;
