DROP TRIGGER models_lineage ON models;
DROP TRIGGER datasets_lineage ON datasets;
DROP FUNCTION forget_lineage();
DROP TABLE lineage;
