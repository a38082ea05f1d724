-- Loses the accounts that were asked for and whose address is not confirmed yet.
DROP TABLE registrations;
