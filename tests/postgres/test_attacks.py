"""The attacks in `attacks/`, one a file: who sends it, what the server says, and that nothing has changed afterwards.

A header line is a comment: `as` who logs in; `only` after whose bootstrap, `not` on which version it makes sense;
`refused` the SQLSTATE and words of the message, `yields` the value that comes back, `allowed` no error is raised,
`shut out` the login itself fails.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tests.postgres.installation import Installation, Kernel, Tenant, catalog, connected, fresh, name

FOLDER = Path(__file__).parent / "attacks"
FINGERPRINT = """
SELECT md5(concat_ws('|',
    (SELECT string_agg(to_jsonb(a)::text, '' ORDER BY oid) FROM pg_authid a),
    (SELECT string_agg(to_jsonb(m)::text, '' ORDER BY oid) FROM pg_auth_members m),
    (SELECT string_agg(to_jsonb(s)::text, '' ORDER BY setdatabase, setrole) FROM pg_db_role_setting s),
    (SELECT string_agg(to_jsonb(d)::text, '' ORDER BY classoid, objoid) FROM pg_shdescription d),
    (SELECT string_agg(to_jsonb(d)::text, '' ORDER BY oid) FROM pg_database d WHERE datname = current_database()),
    (SELECT string_agg(to_jsonb(n)::text, '' ORDER BY oid) FROM pg_namespace n),
    (SELECT string_agg(to_jsonb(d)::text, '' ORDER BY classoid, objoid, objsubid) FROM pg_description d
      WHERE classoid = 'pg_namespace'::regclass),
    (SELECT string_agg(concat(oid, xmin), '' ORDER BY oid) FROM pg_proc WHERE oid > 16000),
    (SELECT string_agg(concat(oid, relname, relowner, relacl, relrowsecurity), '' ORDER BY oid) FROM pg_class
      WHERE oid > 16000),
    (SELECT string_agg(concat(attrelid, attname, attacl), '' ORDER BY attrelid, attnum) FROM pg_attribute
      WHERE attacl IS NOT NULL),
    (SELECT string_agg(to_jsonb(p)::text, '' ORDER BY oid) FROM pg_policy p),
    (SELECT string_agg(to_jsonb(a)::text, '' ORDER BY oid) FROM pg_default_acl a),
    (SELECT count(*)::text FROM pg_largeobject_metadata), (SELECT count(*)::text FROM pg_replication_slots),
    (SELECT string_agg(to_jsonb(t)::text, '' ORDER BY identifier) FROM tenancy.registry t),
    (SELECT string_agg(to_jsonb(t)::text, '' ORDER BY name) FROM tenancy.logins t),
    (SELECT string_agg(to_jsonb(t)::text, '' ORDER BY id) FROM tenancy.tenants t),
    (SELECT string_agg(to_jsonb(t)::text, '' ORDER BY tenant_id, resource_type) FROM tenancy.tenant_resources t),
    (SELECT string_agg(to_jsonb(t)::text, '' ORDER BY id) FROM tenancy.plans t),
    (SELECT max(id)::text FROM tenancy.history), (SELECT to_jsonb(l)::text FROM tenancy.leader l),
    (SELECT string_agg(to_jsonb(k)::text, '') FROM tenancy.kernel k)))"""
# What an attacker may plant in its own schema is no harm, and gone with this.
PLANTED = """
DO $$ DECLARE thing record; BEGIN
    FOR thing IN SELECT 'TABLE' AS kind, oid::regclass::text AS name FROM pg_class
                  WHERE relnamespace = current_user::regnamespace AND relkind = 'r' AND relname <> 'own'
           UNION ALL SELECT 'FUNCTION', oid::regprocedure::text FROM pg_proc
                  WHERE pronamespace = current_user::regnamespace AND proname <> 'own_leak' LOOP
        EXECUTE format('DROP %s %s CASCADE', thing.kind, thing.name);
    END LOOP;
END $$"""


@dataclass(frozen=True)
class Attack:
    name: str
    header: dict[str, str]
    sql: str

    @classmethod
    def read(cls, file: Path) -> "Attack":
        lines = file.read_text().splitlines()
        comments = [line.removeprefix("-- ") for line in lines if line.startswith("-- ")]
        header = dict(comment.partition(": ")[::2] for comment in comments[1:])
        return cls(file.stem, header, "\n".join(lines[len(comments) :]).strip())

    def makes_sense(self, installation: Installation) -> bool:
        only, never = self.header.get("only"), self.header.get("not")
        return only in (None, installation.administrator) and never != str(installation.server.version)


@dataclass
class Stage:
    """A server with everybody whom an attack may come from or aim at."""

    installation: Installation
    logins: dict[str, str]  # who -> URL
    names: dict[str, str]
    sessions: dict[str, asyncpg.Connection] = field(default_factory=dict)

    async def session(self, who: str) -> asyncpg.Connection:
        if who not in self.sessions or self.sessions[who].is_closed():
            self.sessions[who] = await asyncpg.connect(self.logins[who], timeout=20)
        return self.sessions[who]

    def fill(self, text: str) -> str:
        for placeholder, value in self.names.items():
            text = text.replace(f"{{{placeholder}}}", value)
        return text


ATTACKS = [Attack.read(file) for file in sorted(FOLDER.glob("*.sql"))]


@pytest_asyncio.fixture(scope="session")
async def stage(leading: Kernel) -> AsyncIterator[Stage]:
    await leading.find_epoch()
    await leading.call("set_plan", {"name": "silver", "generation": 1})
    tenant = await leading.create()
    neighbour = await leading.create(catalog=catalog(plan="silver", domain="neighbour.example"))
    await _plant(tenant, neighbour)
    retained = await leading.create()
    await leading.call("retain", retained.identifier)
    stranger, logins = await _others(leading)
    names = {
        "tenant": tenant.identifier,
        "neighbour": neighbour.identifier,
        "retained": retained.identifier,
        "stranger": stranger,
        "verifier": fresh().verifier(),
        "catalog": json.dumps(catalog()),
    }
    made = Stage(leading.installation, {**logins, "tenant": tenant.url}, names)
    yield made
    for session in made.sessions.values():
        session.terminate()


async def _plant(tenant: Tenant, neighbour: Tenant) -> None:
    """What the neighbour has to lose and what it gives away, and a function that tells of each row it sees."""
    async with neighbour.connect() as session:
        await session.execute(f"""
            CREATE TABLE secrets (id int PRIMARY KEY); INSERT INTO secrets VALUES (1); ANALYZE secrets;
            CREATE TABLE granted (id int); GRANT ALL ON granted TO {tenant.identifier};
            GRANT USAGE ON SCHEMA {neighbour.identifier} TO {tenant.identifier}""")
    async with tenant.connect() as session:
        await session.execute("""
            CREATE TABLE own (id int);
            CREATE FUNCTION own_leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
            AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'""")


async def _others(kernel: Kernel) -> tuple[str, dict[str, str]]:
    """A stranger, and how everybody but the tenant logs in."""
    installation, new = kernel.installation, fresh()
    stranger, person, creator = name(), name(), name()
    await kernel.call("set_migrator_verifier", new.verifier())
    await installation.sql(
        f"CREATE ROLE {stranger} LOGIN PASSWORD 'x'; CREATE SCHEMA {stranger} AUTHORIZATION {stranger}",
        f"CREATE ROLE {person} LOGIN PASSWORD 'x' IN ROLE tenancy_admin",
        f"CREATE ROLE {creator} LOGIN CREATEROLE PASSWORD 'x'; ALTER ROLE tenancy_app PASSWORD 'x'",
    )
    return stranger, {
        "superuser": installation.superuser_url,
        "operator": installation.login("tenancy_operator", installation.operator.password),
        "app": installation.login("tenancy_app", "x"),
        "migrator": installation.login("tenancy_migrator", new.password),
        "dba": installation.login(person, "x"),
        "stranger": installation.login(stranger, "x"),
        "creator": installation.login(creator, "x", "postgres"),
    }


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_attack(stage: Stage, kernel: Kernel, attack: Attack) -> None:
    if not attack.makes_sense(stage.installation):
        return
    stage.names["epoch"] = str(kernel.epoch)
    watching = await stage.session("superuser")
    before = await watching.fetchval(FINGERPRINT)
    if "shut out" in attack.header:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await stage.session(attack.header["as"])
    else:
        await _send(stage, attack)
    assert await watching.fetchval(FINGERPRINT) == before


async def _send(stage: Stage, attack: Attack) -> None:
    session, sql = await stage.session(attack.header["as"]), stage.fill(attack.sql)
    try:
        if wanted := attack.header.get("yields"):
            assert str(await session.fetchval(sql)).lower() == stage.fill(wanted)
        elif wanted := attack.header.get("refused"):
            code, _, words = stage.fill(wanted).partition(" ")
            with pytest.raises(asyncpg.PostgresError) as refused:
                await session.execute(sql)
            assert (refused.value.sqlstate, words in str(refused.value)) == (code, True), refused.value
        else:
            assert "allowed" in attack.header
            await session.execute(sql)
    finally:
        await session.execute("ROLLBACK; RESET SESSION AUTHORIZATION; RESET ALL")
        if attack.header["as"] == "tenant":
            await session.execute(PLANTED)
        if attack.header["as"] == "migrator":  # it has one connection, which other tests need, too
            await session.close(timeout=20)


async def test_every_door_is_attacked() -> None:
    assert {attack.header["as"] for attack in ATTACKS} == {
        *("tenant", "operator", "app", "migrator", "dba", "stranger", "creator"),
    }


async def test_what_a_neighbour_becomes_at_login_is_refused(stage: Stage) -> None:
    """A default role of its own settings takes effect at login, or not at all."""
    neighbour = stage.names["neighbour"]
    session = await stage.session("tenant")
    await session.execute(f"ALTER ROLE CURRENT_USER SET role = '{neighbour}'")
    async with connected(stage.logins["tenant"]) as next_one:
        assert await next_one.fetchval("SELECT current_user") == stage.names["tenant"]
    await session.execute("ALTER ROLE CURRENT_USER RESET role")
