-- Becomes pg_read_all_data.
-- as: operator
-- refused: 42501 permission denied to set role

SET ROLE pg_read_all_data
