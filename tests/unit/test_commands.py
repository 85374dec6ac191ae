"""What the commands for administrators print, and the arguments that they take before anybody connects."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tenant_manager.__main__ import COMMANDS, main
from tenant_manager.cli import show
from tenant_manager.cli.retained import NOTHING, listing
from tenant_manager.postgres.aside import Aside, Leftover, Row

ROW = Row(
    identifier="tenant_acme",
    cluster="production",
    namespace="team-a",
    namespace_uid="1f0c",
    name="acme",
    state="retained",
    released_to=None,
    abandoned=False,
    since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    age=273_600,
    size=1_234_567,
)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"DATABASE_URL": None, **environment})


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        *((-5, "0s"), (0.9, "0s"), (119, "119s"), (120, "2m"), (303, "5m3s"), (599, "9m59s"), (600, "10m")),
        *((10_799, "179m"), (10_800, "3h"), (18_180, "5h3m"), (28_799, "7h59m"), (28_800, "8h"), (172_799, "47h")),
        *((172_800, "2d"), (273_600, "3d4h"), (691_199, "7d23h"), (691_200, "8d"), (63_071_999, "729d")),
        *((63_072_000, "2y"), (65_664_000, "2y30d"), (252_287_999, "7y364d"), (252_288_000, "8y"), (1e9, "31y")),
    ],
)
def test_ages_are_as_in_kubectl(seconds: float, shown: str) -> None:
    assert show.age(seconds) == shown


def test_nothing_set_aside() -> None:
    assert listing(Aside((), (), (), ())) == NOTHING


def test_only_what_there_is_has_a_table() -> None:
    leftover = Leftover(
        "tenant_old__x00000000", "tenant_old", ROW.since, 61, "1 object\nin\x1b database \N{SNOWMAN}", 2
    )
    assert listing(Aside((ROW,), (), (), (leftover,))) == (
        "RETAINED      FORMER OWNER             AGE    SIZE     RELEASED TO\n"
        "tenant_acme   production/team-a/acme   3d4h   1.2 MB   -\n"
        "\n"
        "LEFTOVER                TENANT       AGE   TRIES   REASON\n"
        "tenant_old__x00000000   tenant_old   61s   2       1 object; in? database \N{SNOWMAN}"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["release"],
        ["release", "tenant_acme"],
        ["release", "--to", "team-a/acme"],
        ["release", "--all"],
        ["release", "--from-cluster", "production"],
        ["release", "tenant_acme", "--to", "team-a/acme", "--all"],
        ["release", "tenant_acme", "--all", "--from-cluster", "production"],
        ["release", "tenant_acme", "--to", "team-a/acme", "--from-cluster", "production"],
        ["rebind"],
        ["rebind", "--from-cluster", ""],
        ["rebind", "--from-cluster", "pro\x1bduction"],
        ["rebind", "--from-cluster", "pro\udcffduction"],
        ["purge"],
        ["purge", "--yes"],
        ["retained", "tenant_acme"],
        ["retained", "-o", "yaml"],
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "DATABASE_URL" not in done.stderr


@pytest.mark.parametrize(
    "to",
    [
        *("acme", "/acme", "team-a/", "team-a/ac/me", "team.a/acme", "Team/acme", "team-a/acme ", "team_a/acme"),
        *("team-a/-x", "a" * 64 + "/acme", "team-a/" + "a" * 254, "team-a/\udcff", "team-a/acme\n"),
    ],
)
def test_no_tenant_can_have_that_name(to: str) -> None:
    done = run("release", "tenant_acme", "--to", to)
    assert done.exit_code == 2
    assert "must be the namespace and the name of a Tenant, such as team-a/acme." in done.stderr


@pytest.mark.parametrize(
    "identifier", ["", "Acme", "tenant-acme", "tenant__b", "1st", "a" * 51, "x;y", "a\n", "t\udcff"]
)
@pytest.mark.parametrize("command", [["purge", "--yes"], ["release", "--to", "team-a/acme"]])
def test_nothing_can_have_that_identifier(command: list[str], identifier: str) -> None:
    done = run(*command, identifier)
    assert done.exit_code == 2
    assert "is no identifier, such as tenant_acme." in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["retained"],
        ["release", "tenant_acme", "--to", "team-a/a.b"],
        ["rebind", "--from-cluster", "p"],
        ["purge", "tenant_acme", "--yes"],
    ],
)
def test_without_a_database(command: list[str]) -> None:
    for url, sentence in ((None, "DATABASE_URL is not set; it must be a URL"), ("x", "DATABASE_URL must be a URL")):
        done = run(*command, **({} if url is None else {"DATABASE_URL": url}))
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith(sentence)


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\n"])
def test_a_file_that_holds_no_password(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    done = run("retained", "--password-file", str(file), DATABASE_URL="postgresql://me@localhost/x")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"{file} must hold a password and nothing else.\n"


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"run", "bootstrap"}))
def test_help_says_who_may_and_how_it_ends(command: str) -> None:
    text = " ".join(run(command, "--help").stdout.split())
    assert "a member of tenancy_admin" in text
    assert "Exit codes: 0 done, 1 refused or failed (the message says why), 2 wrong arguments." in text
