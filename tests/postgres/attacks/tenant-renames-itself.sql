-- Takes another name, which policies would compare with.
-- as: tenant
-- refused: 0A000 session user cannot be renamed

ALTER ROLE {tenant} RENAME TO {tenant}_2
