-- Principals that are programs in a cluster, known by name: a project may take one in before it exists.
CREATE TABLE workloads (
    id uuid NOT NULL,
    name text NOT NULL,
    CONSTRAINT workloads_pkey PRIMARY KEY (id),
    CONSTRAINT workloads_id_fkey FOREIGN KEY (id) REFERENCES principals (id) ON DELETE CASCADE,
    CONSTRAINT workloads_name_key UNIQUE (name),
    CONSTRAINT workloads_name_check CHECK (char_length(name) <= 321 AND name ~ '^k8s:[-a-z0-9]+/[-.a-z0-9]+$')
);
COMMENT ON COLUMN workloads.name IS 'k8s:<namespace>/<service account>; no username has a colon';
