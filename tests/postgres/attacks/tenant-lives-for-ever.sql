-- Sets how long its own login is valid.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'
