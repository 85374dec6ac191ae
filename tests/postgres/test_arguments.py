"""What a stolen login of the operator can put into an argument: all of it is checked, none of it becomes SQL."""

import asyncpg
import pytest

from tenant_manager.api.identifiers import RESERVED_WORDS
from tests.postgres.installation import Installation, Kernel, Tenant, arguments, fresh, name, refused

OWNER = ("cluster-1", "team-a", "uid-1", "acme")
HOSTILE_IDENTIFIERS = (
    *("", " ", "A", "Tenant", "1a", "_a", "a_", "a__b", "tenant_acme__b", "tenant_acme__own", "a-b", "a.b", "a b"),
    *('a"b', "a'b", "a;b", "a\n", "a\\b", "a%sb", "a$1", "ä", "\uff41", "a" * 51, "tenant_" + "a" * 44),
    *(
        "public",
        "postgres",
        "none",
        "all",
        "replication",
        "information_schema",
        "extensions",
        "order",
        "user",
        "select",
    ),
    *("pg_catalog", "pg_read_all_data", "tenancy", "tenancy_operator", "tenancy_app", "tenancy_x", "left", "verbose"),
    *('a" SUPERUSER; --', "x'; DROP SCHEMA tenancy CASCADE; --"),
)
SCRAM = fresh().verifier()
FORGED_VERIFIERS = (
    None,
    "",
    "secret",
    "md5" + "0" * 32,
    SCRAM.replace("SCRAM-SHA-256$1:", "SCRAM-SHA-256$0:"),
    SCRAM.replace("SCRAM-SHA-256$1:", "SCRAM-SHA-256$99999999:"),
    SCRAM[:-1],
    SCRAM + "=",
    SCRAM + "\n",
    SCRAM + "' SUPERUSER",
    SCRAM.replace("SCRAM-SHA-256", "SCRAM-SHA-512"),
)


@pytest.mark.parametrize("identifier", HOSTILE_IDENTIFIERS)
async def test_an_identifier_that_is_not_allowed(kernel: Kernel, identifier: str) -> None:
    await refused(kernel, "TM002", "create_tenant", *arguments(identifier, OWNER, fresh()))
    for function in ("close_login", "drop_tenant", "retain", "open_login"):
        await refused(kernel, "TM002", function, identifier)


async def test_null_and_nul(kernel: Kernel) -> None:
    await refused(kernel, "TM002", "drop_tenant", None)
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await kernel.call("drop_tenant", "a\0b")


async def test_reserved_words_are_those_of_the_server(installation: Installation) -> None:
    query = "SELECT array_agg(word::text) FROM pg_get_keywords() WHERE catcode IN ('R', 'T')"
    found = set(await installation.value(query))
    assert found - RESERVED_WORDS == set()
    if installation.server.version == 18:  # words are added with new versions, never taken away
        assert found == RESERVED_WORDS


@pytest.mark.parametrize("verifier", FORGED_VERIFIERS)
async def test_a_forged_verifier(kernel: Kernel, tenant: Tenant, verifier: str | None) -> None:
    given = list(arguments(name(), OWNER, fresh()))
    given[5] = verifier
    messages = [
        await refused(kernel, "TM006", "create_tenant", *given),
        await refused(kernel, "TM006", "set_verifier", tenant.identifier, "a", verifier, 5),
        await refused(kernel, "TM006", "make_login", tenant.identifier, verifier, 5, {}),
        await refused(kernel, "TM006", "set_migrator_verifier", verifier),
    ]
    assert set(messages) == {"not a SCRAM-SHA-256 verifier"}  # nothing of it is repeated


@pytest.mark.parametrize(
    "settings",
    [
        None,
        [],
        "x",
        {"role": "postgres"},
        {"search_path": "public"},
        {"log_statement": "none"},
        {"session_preload_libraries": "x"},
        {"temp_file_limit": "1kB"},
        {"statement_timeout; ALTER ROLE postgres": "1s"},
        {"statement_timeout": None},
        {"statement_timeout": 5},
        {"statement_timeout": ""},
        {"statement_timeout": "5"},
        {"statement_timeout": "5min"},
        {"statement_timeout": "1s'"},
        {"statement_timeout": "1s\n"},
        {"statement_timeout": "-1s"},
        {"statement_timeout": "9999999s"},
        {"lock_timeout": "64kB"},
        {"work_mem": "1s"},
        {"work_mem": "63kB"},
        {"work_mem": "64MB"},
    ],
    ids=str,
)
async def test_a_setting_that_is_not_allowed(kernel: Kernel, tenant: Tenant, settings: object) -> None:
    await refused(kernel, "TM009", "set_settings", tenant.identifier, settings, 5)
    await refused(kernel, "TM009", "make_login", tenant.identifier, SCRAM, 5, settings)
    await refused(kernel, "TM009", "create_tenant", *arguments(name(), OWNER, fresh(), settings=settings))


async def test_every_setting_that_is_allowed_is_taken_by_the_server(kernel: Kernel, tenant: Tenant) -> None:
    for settings in (
        {"statement_timeout": "0s", "lock_timeout": "0ms", "work_mem": "64kB"},
        {"statement_timeout": "2147483s", "idle_session_timeout": "999999999ms", "work_mem": "999999999kB"},
    ):
        await kernel.call("set_settings", tenant.identifier, settings, 10_000)


@pytest.mark.parametrize("connections", [None, -2, 10_001, 2**31 - 1])
async def test_connections_have_a_range(kernel: Kernel, tenant: Tenant, connections: int | None) -> None:
    await refused(kernel, "TM009", "set_settings", tenant.identifier, {}, connections)
    await refused(kernel, "TM009", "set_verifier", tenant.identifier, "a", SCRAM, connections)
    await refused(kernel, "TM009", "create_tenant", *arguments(name(), OWNER, fresh(), connections=connections))


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("value", [None, "", "a\nb", "x" * 254])
async def test_a_part_of_the_owner_that_is_no_name(kernel: Kernel, part: int, value: str | None) -> None:
    owner: list[str | None] = list(OWNER)
    owner[part] = value
    await refused(kernel, "TM009", "create_tenant", *arguments(name(), tuple(owner), fresh()))  # type: ignore[arg-type]


@pytest.mark.parametrize("slot", [None, "", "b", "c", "a'; --"])
async def test_a_slot_that_is_not_there(kernel: Kernel, tenant: Tenant, slot: str | None) -> None:
    await refused(kernel, "TM009", "set_verifier", tenant.identifier, slot, SCRAM, 5)


async def test_roles_and_schemas_of_others(kernel: Kernel, installation: Installation) -> None:
    """No function takes hold of what the registry does not know, whatever its name."""
    stranger = name()
    await installation.sql(
        f"CREATE ROLE {stranger} LOGIN PASSWORD 'x'; CREATE SCHEMA {stranger} AUTHORIZATION {stranger}"
    )
    for function, args in (
        ("make_login", (SCRAM, 5, {})),
        ("make_schema", (True,)),
        ("set_verifier", ("a", SCRAM, 5)),
        ("set_settings", ({}, 5)),
        ("set_grants", (True,)),
        ("join", ()),
        ("open_login", ()),
        ("close_login", ()),
        ("terminate", ()),
        ("retain", ()),
        ("drop_tables", (10,)),
        ("drop_tenant", ()),
        ("restore", OWNER),
        ("mark_abandoned", (True,)),
    ):
        await refused(kernel, "TM004", function, stranger, *args)
    for role in (stranger, "postgres", "tenancy_operator", "tenancy_executor_0", None):
        await refused(kernel, "TM004", "drop_leftover", role)
    await refused(kernel, "TM003", "create_tenant", *arguments(stranger, OWNER, fresh()))
    assert await installation.can_log_in(stranger, "x") is False  # it has no CONNECT here, and got none
    state = "SELECT rolcanlogin AND shobj_description(oid, 'pg_authid') IS NULL FROM pg_roles WHERE rolname = $1"
    assert await installation.value(state, stranger)


async def test_a_function_ends_within_its_lock_timeout(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    async with installation.as_superuser() as other:
        await other.execute(f"BEGIN; SELECT FROM tenancy.registry WHERE identifier = '{tenant.identifier}' FOR UPDATE")
        await kernel.connection.execute("SET lock_timeout = 0")
        await refused(kernel, "55P03", "close_login", tenant.identifier)
    await kernel.connection.execute("RESET lock_timeout")
