ALTER TABLE notifications DROP COLUMN mailed_at, DROP COLUMN mail, DROP COLUMN in_app;
DROP TABLE unsubscribe_keys;
DROP TRIGGER users_address_changed ON users;
DROP FUNCTION forget_address();
DROP TABLE mail_links;
ALTER TABLE users DROP COLUMN mail_paused_reason, DROP COLUMN mail_paused_at, DROP COLUMN email_verified_at;
