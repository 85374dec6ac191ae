-- A login of another system enters the database of the tenants.
-- as: stranger
-- shut out

SELECT 1
