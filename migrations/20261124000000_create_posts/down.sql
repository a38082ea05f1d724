-- Loses all posts and votes.
DROP TRIGGER principals_take_posts ON principals;
DROP TABLE post_scores;
DROP TABLE post_votes;
DROP TABLE posts;
DROP FUNCTION take_posts;
DROP FUNCTION take_votes;
DROP FUNCTION add_vote;
DROP FUNCTION begin_score;
