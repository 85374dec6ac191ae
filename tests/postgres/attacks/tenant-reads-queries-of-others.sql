-- Reads what others are running.
-- as: tenant
-- yields: 0

SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user AND query <> '<insufficient privilege>' AND query <> ''
