-- Puts SQL into a value.
-- as: operator
-- refused: TM009 is not allowed

SELECT tenancy.set_settings({epoch}, '{tenant}', '{"statement_timeout": "1s''; ALTER ROLE postgres NOLOGIN; --"}', 5)
