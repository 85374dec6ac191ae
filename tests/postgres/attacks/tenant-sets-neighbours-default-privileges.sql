-- Sets what a neighbour's next tables grant.
-- as: tenant
-- refused: 42501 permission denied to change default privileges

ALTER DEFAULT PRIVILEGES FOR ROLE {neighbour} GRANT ALL ON TABLES TO {tenant}
