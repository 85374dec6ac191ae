-- Gives what the group owns to itself.
-- as: tenant
-- refused: 42501 permission denied to reassign objects

REASSIGN OWNED BY tenancy_owner TO {tenant}
