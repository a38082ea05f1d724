-- The index with the readers serves a search by words alone as well, such as that of the release
-- before.
DROP INDEX CONCURRENTLY IF EXISTS posts_words_idx;
