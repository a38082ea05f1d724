-- Licences, sources, contacts and tags are lost.
ALTER TABLE datasets
    DROP COLUMN licence,
    DROP COLUMN source,
    DROP COLUMN contact,
    DROP COLUMN tags;
