-- Makes temporary objects that a function might meet.
-- as: operator
-- refused: 42501 permission denied to create temporary tables

CREATE TEMP TABLE leader (a int)
