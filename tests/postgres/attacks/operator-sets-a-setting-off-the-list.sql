-- Sets what only a superuser or nobody should set.
-- as: operator
-- refused: TM009 is not allowed

SELECT tenancy.set_settings({epoch}, '{tenant}', '{"role": "postgres"}', 5)
