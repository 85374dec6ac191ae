-- Reads the statistics' own table.
-- as: tenant
-- refused: 42501 permission denied for table pg_statistic

SELECT * FROM pg_statistic
