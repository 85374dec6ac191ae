-- Lists a folder of the server.
-- as: tenant
-- refused: 42501 permission denied for function pg_ls_dir

SELECT pg_ls_dir('.')
