CREATE INDEX CONCURRENTLY IF NOT EXISTS posts_words_idx ON posts USING gin (words) WITH (gin_pending_list_limit = 512);
