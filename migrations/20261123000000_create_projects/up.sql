-- What people share: everything inside a project is open to its members, each by their role.
CREATE TABLE projects (
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    visibility text DEFAULT 'private' NOT NULL,
    expires_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT projects_pkey PRIMARY KEY (id),
    CONSTRAINT projects_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT projects_description_check CHECK (char_length(description) <= 10000),
    CONSTRAINT projects_visibility_check CHECK (visibility IN ('private', 'internal'))
);
COMMENT ON COLUMN projects.visibility IS 'internal: everybody signed in may read it';
COMMENT ON COLUMN projects.expires_at IS 'From then on it can be read, extended, and given up, but not written';
COMMENT ON COLUMN projects.version IS 'Rises with every change, of the members too, because a project shows its reader''s role; the ETag';
COMMENT ON COLUMN projects.created_at IS 'The time in the id, so that sorted by the one is sorted by the other';

CREATE TABLE project_members (
    project_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    role text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT project_members_pkey PRIMARY KEY (project_id, principal_id),
    CONSTRAINT project_members_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT project_members_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principals (id) ON DELETE CASCADE,
    CONSTRAINT project_members_role_check CHECK (role IN ('viewer', 'editor', 'owner'))
);
CREATE INDEX project_members_principal_id_idx ON project_members (principal_id, project_id);
CREATE INDEX project_members_created_at_idx ON project_members (project_id, created_at, principal_id);
COMMENT ON COLUMN project_members.role IS 'Each may do what the one before may: viewer, editor, owner';
COMMENT ON COLUMN project_members.version IS 'Rises with every change of the role; the ETag';

-- A project has an owner as long as it is there, whoever takes owners away and by whatever statement. Who does waits for the
-- others at the project's row; each statement in here sees what they have committed by then.
CREATE FUNCTION keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM projects WHERE id = OLD.project_id FOR UPDATE;
    IF FOUND AND NOT EXISTS (SELECT FROM project_members WHERE project_id = OLD.project_id AND role = 'owner') THEN
        RAISE EXCEPTION 'this is the last owner of the project; make somebody else an owner first, or delete the project'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_members_last_owner';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER project_members_last_owner AFTER UPDATE OR DELETE ON project_members
    FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION keep_an_owner();

-- A principal that goes takes its memberships along. Their projects are locked before that and in one order, since everybody
-- else locks a project first and a membership of it then. Here is also where all of its orphans can be named at once.
CREATE FUNCTION leave_projects() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    orphans text[];
BEGIN
    PERFORM FROM projects WHERE id IN (SELECT project_id FROM project_members WHERE principal_id = OLD.id) ORDER BY id FOR UPDATE;
    orphans := ARRAY(
        SELECT format('"%s" (%s)', p.name, p.id) FROM project_members m JOIN projects p ON p.id = m.project_id
        WHERE m.principal_id = OLD.id AND m.role = 'owner' AND NOT EXISTS (
            SELECT FROM project_members other
            WHERE other.project_id = m.project_id AND other.role = 'owner' AND other.principal_id <> OLD.id
        )
        ORDER BY p.id LIMIT 11
    );
    IF orphans <> '{}' THEN
        RAISE EXCEPTION 'the account is the only owner of %; make somebody else an owner there first, or delete what is not needed',
            array_to_string(orphans[:10], ', ') || CASE WHEN cardinality(orphans) > 10 THEN ' and more' ELSE '' END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_members_last_owner';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER principals_leave_projects BEFORE DELETE ON principals FOR EACH ROW EXECUTE FUNCTION leave_projects();

-- A plain expression, which PostgreSQL puts in the place of the call.
CREATE FUNCTION matches_all(value text, patterns text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT value ILIKE ALL (patterns)
$$;
