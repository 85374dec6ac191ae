-- Open by PostgreSQL's design: its own password, found by the operator. Undone here.
-- as: tenant
-- allowed

BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'; ROLLBACK
