-- Has the functions look into another schema: each has its own search_path.
-- as: operator
-- yields: true

SELECT count(*) >= 0 FROM (SELECT set_config('search_path', '{neighbour}, pg_temp', false)) s, tenancy.terminate({epoch}, '{tenant}')
