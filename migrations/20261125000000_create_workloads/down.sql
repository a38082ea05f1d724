-- Loses the names of workloads: what they wrote and were members of stays with nobody's name on it.
DROP TABLE workloads;
