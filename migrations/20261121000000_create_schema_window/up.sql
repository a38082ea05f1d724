CREATE TABLE schema_window (
    only_row boolean DEFAULT true NOT NULL,
    min_compatible text NOT NULL,
    CONSTRAINT schema_window_pkey PRIMARY KEY (only_row),
    CONSTRAINT schema_window_one_row_check CHECK (only_row)
);
COMMENT ON TABLE schema_window IS 'Which binaries may work on this schema';
COMMENT ON COLUMN schema_window.min_compatible IS 'A binary whose newest migration is older than this one is refused; raised by migrations that remove something';

INSERT INTO schema_window (min_compatible) VALUES ('20261121000000');
