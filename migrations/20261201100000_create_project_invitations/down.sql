-- Invitations are lost, and so are their links; addresses that take no mail are tried again.
DROP TABLE refused_addresses;
DROP TRIGGER users_disabled ON users;
DROP FUNCTION withdraw_all_invitations();
DROP TRIGGER project_members_demoted ON project_members;
DROP FUNCTION withdraw_invitations();
DROP TABLE invitation_links;
DROP TABLE project_invitations;
