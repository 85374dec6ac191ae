-- Removes the policies that name it, and with them its own sight: the tripwire.
-- as: operator
-- refused: 42501 permission denied for table tripwire

DROP OWNED BY tenancy_operator
