DROP FUNCTION reader_keys(uuid);
DROP FUNCTION post_readers(boolean, uuid, uuid);
