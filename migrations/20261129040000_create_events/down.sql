-- Loses the feed of events. The audit trail stays.
DROP TABLE event_sequence;
DROP TABLE events;
DROP TABLE outbox;
