-- Asks by a foreign key which rows a neighbour has.
-- as: tenant
-- refused: 42501 permission denied for schema {neighbour}

CREATE TABLE probe (id int REFERENCES {neighbour}.secrets)
