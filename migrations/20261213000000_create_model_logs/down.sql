DROP TABLE predictions;
DROP TABLE model_logs;
