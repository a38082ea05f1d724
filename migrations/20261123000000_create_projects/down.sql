-- Loses all projects and who their members are.
DROP TRIGGER principals_leave_projects ON principals;
DROP TABLE project_members, projects;
DROP FUNCTION leave_projects;
DROP FUNCTION keep_an_owner;
DROP FUNCTION matches_all;
