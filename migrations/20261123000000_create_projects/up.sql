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
    CONSTRAINT projects_visibility_check CHECK (visibility IN ('private', 'internal'))
);
COMMENT ON COLUMN projects.visibility IS 'internal: everybody signed in may read it';
COMMENT ON COLUMN projects.expires_at IS 'From then on it can be read, extended, and given up, but not written';
COMMENT ON COLUMN projects.version IS 'Rises with every change; the ETag';

CREATE TABLE project_members (
    project_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT project_members_pkey PRIMARY KEY (project_id, principal_id),
    CONSTRAINT project_members_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT project_members_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principals (id) ON DELETE CASCADE,
    CONSTRAINT project_members_role_check CHECK (role IN ('viewer', 'editor', 'owner'))
);
CREATE INDEX project_members_principal_id_idx ON project_members (principal_id, project_id);
COMMENT ON COLUMN project_members.role IS 'Each may do what the one before may: viewer, editor, owner';
