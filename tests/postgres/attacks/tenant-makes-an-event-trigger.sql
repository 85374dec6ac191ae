-- Runs code in everybody's DDL.
-- as: tenant
-- refused: 42501 permission denied to create event trigger

CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER evil ON ddl_command_start EXECUTE FUNCTION evil()
