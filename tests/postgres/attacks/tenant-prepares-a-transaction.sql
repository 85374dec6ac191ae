-- Leaves a transaction behind that no session holds.
-- as: tenant
-- refused: 55000 prepared transactions are disabled

BEGIN; CREATE TABLE t (a int); PREPARE TRANSACTION 'forgotten'
