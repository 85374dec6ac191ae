-- Reads values of a neighbour's table in the statistics.
-- as: tenant
-- yields: 0

SELECT count(*) FROM pg_stats WHERE schemaname = '{neighbour}'
