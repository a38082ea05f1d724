DROP INDEX CONCURRENTLY IF EXISTS posts_words_readers_idx;
