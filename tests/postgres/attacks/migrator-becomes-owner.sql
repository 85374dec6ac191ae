-- Becomes the owner of the places: it inherits from it, without SET.
-- as: migrator
-- refused: 42501 permission denied to set role

SET ROLE tenancy_owner
