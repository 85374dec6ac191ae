-- Reads a file of the server into a large object.
-- as: tenant
-- refused: 42501 permission denied for function lo_import

SELECT lo_import('/etc/passwd')
