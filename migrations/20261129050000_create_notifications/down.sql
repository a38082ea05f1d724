-- Loses what people were told and how they want to be told, and the projects' reminders.
DROP TABLE preferences;
DROP TABLE notifications;
DELETE FROM jobs WHERE kind = 'project.remind.1';
DELETE FROM dead_jobs WHERE kind = 'project.remind.1';
ALTER TABLE projects DROP COLUMN reminders;
