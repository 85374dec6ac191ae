-- Puts SQL into the migrator's verifier.
-- as: operator
-- refused: TM006 not a SCRAM-SHA-256 verifier

SELECT tenancy.set_migrator_verifier({epoch}, '{verifier}'' SUPERUSER; --')
