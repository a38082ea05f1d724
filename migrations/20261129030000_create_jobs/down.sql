-- Loses every job that waits, runs or is dead.
DROP TABLE periods;
DROP TABLE dead_jobs;
DROP TABLE jobs;
