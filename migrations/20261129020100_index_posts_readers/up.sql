CREATE INDEX CONCURRENTLY IF NOT EXISTS posts_words_readers_idx ON posts USING gin (words, post_readers(published, project_id, author_id)) WITH (gin_pending_list_limit = 512);
