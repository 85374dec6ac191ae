-- Gives itself LOGIN back, as after a suspension.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE CURRENT_USER LOGIN
