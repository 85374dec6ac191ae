-- A neighbour grants its schema: it is not the owner, so nothing is granted, and its table stays out of reach.
-- as: tenant
-- refused: 42501 permission denied for schema {neighbour}

SELECT * FROM {neighbour}.granted
