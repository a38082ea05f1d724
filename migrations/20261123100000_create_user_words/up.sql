-- What people are found by: each begins with a word of the username or the name, so that a prefix of any word is a range.
CREATE TABLE user_words (
    user_id uuid NOT NULL,
    word text COLLATE "C" NOT NULL,
    CONSTRAINT user_words_pkey PRIMARY KEY (user_id, word),
    CONSTRAINT user_words_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_words_word_check CHECK (char_length(word) BETWEEN 1 AND 64)
);
CREATE INDEX user_words_word_idx ON user_words (word, user_id);
COMMENT ON COLUMN user_words.word IS 'The rest of the name from the word on, folded like users.email_key';
