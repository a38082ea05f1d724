-- Loses what people are found by; it is written again when a user is changed.
DROP TABLE user_words;
