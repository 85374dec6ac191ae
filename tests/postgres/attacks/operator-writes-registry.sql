-- Writes to tenancy.registry past the functions.
-- as: operator
-- refused: 42501 permission denied for table registry

INSERT INTO tenancy.registry (identifier, cluster, namespace, namespace_uid, name, executor) VALUES ('{stranger}', 'c', 'n', 'u', 'x', 0)
