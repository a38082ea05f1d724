DROP FUNCTION role_held(uuid, uuid, uuid);
