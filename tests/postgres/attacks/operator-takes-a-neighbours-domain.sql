-- Takes a domain that another tenant has.
-- as: operator
-- refused: TM014 another tenant has the domain

SELECT tenancy.set_catalog({epoch}, '{tenant}', jsonb_set('{catalog}', '{domain}', '"neighbour.example"'))
