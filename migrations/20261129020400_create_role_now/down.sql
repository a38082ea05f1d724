DROP FUNCTION role_now(uuid, uuid);
