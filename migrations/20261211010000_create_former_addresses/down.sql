-- Loses the addresses whose owners are still to be told that their account has another one.
DROP TABLE former_addresses;
