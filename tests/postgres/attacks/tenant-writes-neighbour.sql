-- Makes a table in a neighbour's schema.
-- as: tenant
-- refused: 42501 permission denied for schema {neighbour}

CREATE TABLE {neighbour}.planted (a int)
