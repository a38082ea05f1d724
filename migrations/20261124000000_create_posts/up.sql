-- What people write, in a project or for everybody.
CREATE TABLE posts (
    id uuid NOT NULL,
    project_id uuid,
    author_id uuid,
    title text NOT NULL,
    content text NOT NULL,
    published boolean DEFAULT true NOT NULL,
    language regconfig NOT NULL,
    words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector(language, title), 'A') || setweight(to_tsvector(language, content), 'D')
    ) STORED,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT posts_pkey PRIMARY KEY (id),
    -- The author before the project: references are checked in this order, and an account that ends locks itself first.
    CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES principals (id) ON DELETE SET NULL,
    CONSTRAINT posts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT posts_author_check CHECK (author_id IS NOT NULL OR project_id IS NOT NULL),
    CONSTRAINT posts_title_check CHECK (char_length(title) BETWEEN 1 AND 300),
    CONSTRAINT posts_content_check CHECK (char_length(content) <= 100000)
);
CREATE INDEX posts_project_id_idx ON posts (project_id, id);
CREATE INDEX posts_author_id_idx ON posts (author_id, id);
-- Every search reads all of the pending list, so it is kept short.
CREATE INDEX posts_words_idx ON posts USING gin (words) WITH (gin_pending_list_limit = 512);
COMMENT ON COLUMN posts.author_id IS 'Null once the account is gone: what was written in a project stays there';
COMMENT ON COLUMN posts.language IS 'What the words were made with: the setting at the last change';
COMMENT ON COLUMN posts.words IS 'What a search looks at';
COMMENT ON COLUMN posts.created_at IS 'The time in the id, so that sorted by the one is sorted by the other';
COMMENT ON COLUMN posts.version IS 'Rises with every change; the first part of the ETag';

CREATE TABLE post_votes (
    post_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT post_votes_pkey PRIMARY KEY (post_id, principal_id),
    -- In this order, like those of posts.
    CONSTRAINT post_votes_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principals (id) ON DELETE CASCADE,
    CONSTRAINT post_votes_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE
);
CREATE INDEX post_votes_principal_id_idx ON post_votes (principal_id);

CREATE TABLE post_scores (
    post_id uuid NOT NULL,
    votes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT post_scores_pkey PRIMARY KEY (post_id),
    CONSTRAINT post_scores_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE
);
CREATE INDEX post_scores_votes_idx ON post_scores (votes, post_id);
COMMENT ON TABLE post_scores IS 'How many votes each post has. Apart from the posts, so that a vote rewrites a narrow row and no search index';

-- Kept by triggers, so that it is right however rows come and go. Their names sort behind those of the references' triggers: a
-- vote holds its principal and its post before it waits for the score, in the order in which an account or a post ends.
CREATE FUNCTION begin_score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO post_scores (post_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER posts_begin_score AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION begin_score();

CREATE FUNCTION add_vote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE post_scores SET votes = votes + 1 WHERE post_id = NEW.post_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER post_votes_add AFTER INSERT ON post_votes FOR EACH ROW EXECUTE FUNCTION add_vote();

-- For all rows at once: an account that ends takes many.
CREATE FUNCTION take_votes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE post_scores SET votes = votes - less FROM (SELECT post_id AS id, count(*) AS less FROM taken GROUP BY 1) AS counted
        WHERE post_id = counted.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER post_votes_take AFTER DELETE ON post_votes
    REFERENCING OLD TABLE AS taken FOR EACH STATEMENT EXECUTE FUNCTION take_votes();

-- What an account wrote outside of projects goes with it. The posts it voted for are locked as well, all in one order: its votes
-- are about to go, and two accounts that end at once must not wait for each other. By its name the trigger comes after the one
-- that locks the account's projects.
CREATE FUNCTION take_posts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM posts
        WHERE id IN (
            SELECT id FROM posts WHERE author_id = OLD.id AND project_id IS NULL
            UNION ALL SELECT post_id FROM post_votes WHERE principal_id = OLD.id)
        ORDER BY id FOR UPDATE;
    DELETE FROM posts WHERE author_id = OLD.id AND project_id IS NULL;
    RETURN OLD;
END
$$;
CREATE TRIGGER principals_take_posts BEFORE DELETE ON principals FOR EACH ROW EXECUTE FUNCTION take_posts();
