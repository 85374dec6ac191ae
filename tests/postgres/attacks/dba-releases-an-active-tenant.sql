-- Hands over a tenant that is not retained.
-- as: dba
-- refused: TM004 no retained tenant

SELECT tenancy.release('{tenant}', 'a', 'b')
