-- Becomes a neighbour inside a function with definer rights, where SET ROLE is refused.
-- as: tenant
-- refused: 42501 cannot set parameter "role" within security-definer function

CREATE FUNCTION become() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN SET ROLE {neighbour}; END';
SELECT become()
