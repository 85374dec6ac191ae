"""Building the control plane, with a go command that only pretends; and the ends of processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import build as building
from tests.servers.account import reachable
from tests.servers.binaries import controlplane
from tests.servers.build import Printed, Recipe, build, built, cache_folder
from tests.servers.errors import CannotBuild
from tests.servers.leftovers import end_all, temporary_folder
from tests.servers.ports import RANGE, free_ports, is_free
from tests.servers.process import Process

GO = """#!/bin/sh
set -e
echo "$@" >> {folder}/calls
case $1 in
list) echo true; echo true; echo false; {on_list} ;;
build) test -z "$(ls $GOTMPDIR)"; echo one/package >&2; {on_build} echo two/package >&2; echo made > "$7" ;;
esac
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(building, "SPACE", 0)
    return tmp_path / "cache" / "tenant-manager"


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("main.go", "go.mod", "go.sum"):
        (source / name).write_text(name)
    return Recipe(source)


Install = Callable[[Path, Path], Path]


def pretend(tmp_path: Path, *, on_list: str = "", on_build: str = "") -> Install:
    def install(requirements: Path, folder: Path) -> Path:
        go = tmp_path / "go"
        go.write_text(GO.format(folder=tmp_path, on_list=on_list, on_build=on_build))
        go.chmod(0o755)
        return go

    return install


def quiet(fraction: float, text: str) -> None: ...


def test_a_build_leaves_the_binary_alone(recipe: Recipe, cache: Path, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    binary = build(lambda fraction, text: told.append((fraction, text)), recipe, pretend(tmp_path))
    assert binary.read_text() == "made\n"
    assert built(recipe) == binary
    assert {path.name for path in cache.iterdir()} == {"build.lock", binary.parent.name}
    assert [text for _, text in told[2:4]] == ["compiling 1 of 2: one/package", "compiling 2 of 2: two/package"]
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert told[-1] == (1.0, f"built {binary}")


def test_what_is_built_is_not_built_again(recipe: Recipe, tmp_path: Path) -> None:
    build(quiet, recipe, pretend(tmp_path))
    build(quiet, recipe, pretend(tmp_path))
    assert (tmp_path / "calls").read_text().count("build ") == 1


@pytest.mark.parametrize("name", ["main.go", "go.mod", "go.sum"])
def test_another_recipe_is_another_binary(recipe: Recipe, tmp_path: Path, name: str) -> None:
    before = build(quiet, recipe, pretend(tmp_path))
    (recipe.source / name).write_text("changed")
    assert built(recipe) is None
    assert build(quiet, recipe, pretend(tmp_path)) != before


def test_two_builds_at_a_time_make_one(recipe: Recipe, tmp_path: Path) -> None:
    told: list[str] = []
    install = pretend(tmp_path, on_build="sleep 0.5;")
    threads = [
        threading.Thread(target=build, args=(lambda _, text: told.append(text), recipe, install)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "calls").read_text().count("build ") == 1
    assert "somebody else builds the control plane at this moment; waiting for it" in told


def test_an_interrupted_build_leaves_nothing_half_made(recipe: Recipe, cache: Path, tmp_path: Path) -> None:
    def interrupt(fraction: float, text: str) -> None:
        if "one/package" in text:
            raise KeyboardInterrupt

    install = pretend(tmp_path, on_build='echo half > "$7"; touch $GOTMPDIR/left; sleep 60;')
    with pytest.raises(KeyboardInterrupt):
        build(interrupt, recipe, install)
    assert built(recipe) is None
    assert (cache / "build").is_dir()
    assert build(quiet, recipe, pretend(tmp_path)).read_text() == "made\n"


def test_who_is_killed_holds_the_lock_until_its_go_has_ended(recipe: Recipe, tmp_path: Path) -> None:
    pretend(tmp_path, on_build=f"sleep 1; touch {tmp_path}/ended;")(Path(), Path())
    script = (
        "import sys; from pathlib import Path; from tests.servers import build; build.SPACE = 0\n"
        "source, go = map(Path, sys.argv[1:])\n"
        "build.build(lambda _, text: print(text, flush=True), build.Recipe(source), lambda *_: go)"
    )
    command = [sys.executable, "-c", script, str(recipe.source), str(tmp_path / "go")]
    with subprocess.Popen(command, cwd=building.ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        while "one/package" not in other.stdout.readline():
            pass
        other.kill()
    build(quiet, recipe, lambda *_: tmp_path / "go")
    assert (tmp_path / "ended").exists()


NO_SPACE = "echo write /x: no space left on device; exit 1;"
NO_NETWORK = "echo dial tcp: lookup modules.example: no such host; exit 1;"


@pytest.mark.parametrize(
    ("on_list", "on_build", "message"),
    [
        pytest.param(NO_NETWORK, "", r"could not be fetched.*\n.*no such host", id="no-network"),
        pytest.param(NO_SPACE, "", "the disk of .*/build is full", id="full-while-fetching"),
        pytest.param("", NO_SPACE, "the disk of .*/build is full.*XDG_CACHE_HOME", id="full-while-compiling"),
        pytest.param("", "echo main.go:3: wrong; exit 1;", r"could not be built.*\nmain.go:3: wrong", id="broken"),
    ],
)
def test_a_failure_says_what_to_do(recipe: Recipe, tmp_path: Path, on_list: str, on_build: str, message: str) -> None:
    with pytest.raises(CannotBuild, match=message):
        build(quiet, recipe, pretend(tmp_path, on_list=on_list, on_build=on_build))
    assert built(recipe) is None


def test_too_little_space_is_said_before(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "SPACE", 10**18)
    with pytest.raises(CannotBuild, match=r"GB left\. Free some, or set XDG_CACHE_HOME"):
        build(quiet, recipe, pretend(tmp_path))
    assert not (tmp_path / "calls").exists()


def test_a_cache_folder_that_cannot_be_written(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotBuild, match=r"in the folder .*/file/tenant-manager: .*set XDG_CACHE_HOME"):
        build(quiet, recipe, pretend(tmp_path))


def test_go_that_cannot_be_fetched(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(CannotBuild, match="Go could not be installed"):
        build(quiet, recipe)


def test_make_prints_the_message_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file")}
    environment.pop("KUBECONFIG_TEST", None)
    command = [sys.executable, "-m", "tests.servers"]
    done = subprocess.run(command, cwd=building.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("\nThe control plane cannot be built in the folder ")
    assert "Traceback" not in done.stderr


def test_progress_is_no_flood(capsys: pytest.CaptureFixture[str]) -> None:
    say = Printed()
    for number in range(2500):
        say(0.05 + 0.94 * number / 2500, f"compiling {number}")
    assert len(capsys.readouterr().out.splitlines()) <= 20


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache_folder() == Path.home() / ".cache" / "tenant-manager"


def test_ports_are_free_and_in_a_row() -> None:
    ports = free_ports(3)
    assert list(ports) == [ports[0], ports[0] + 1, ports[0] + 2]
    assert ports[0] in RANGE
    assert all(map(is_free, ports))


@pytest.mark.parametrize(("mode", "expected"), [(0o755, True), (0o711, True), (0o700, False)])
def test_who_may_enter_the_folder_above(mode: int, expected: bool) -> None:
    with temporary_folder() as top:
        (top / "above").mkdir(mode=mode)
        (program := top / "program").touch()
        program.chmod(0o755)
        assert reachable(program, top / "above" / "data") is expected


IGNORES = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]


@pytest.fixture
def stubborn(tmp_path: Path) -> Iterator[Process]:
    """A program that does not listen to SIGTERM."""
    process = Process(tmp_path, "operator")
    process.start(IGNORES)
    while "ready" not in process.log.read_text():
        time.sleep(0.01)
    yield process
    process.stop(signal.SIGKILL)


def test_who_does_not_end_is_killed(stubborn: Process) -> None:
    assert stubborn.pid is not None
    stubborn.stop(patience=0.2)
    assert stubborn.pid is None
    stubborn.stop()


def test_a_later_run_ends_what_a_killed_one_left(stubborn: Process, tmp_path: Path) -> None:
    Process(tmp_path, "operator").stop(patience=0.2)
    assert stubborn.pid is None


def test_a_number_that_is_now_another_program_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as foreign:
        (tmp_path / "operator.pid").write_text(f'{{"pid": {foreign.pid}, "command": ["/bin/postgres"], "gently": 15}}')
        end_all(tmp_path)
        assert foreign.poll() is None
        assert not (tmp_path / "operator.pid").exists()
        foreign.kill()


def test_what_ended_counts_as_ended_though_nobody_reaps_it(tmp_path: Path) -> None:
    command = ["/bin/sleep", "60"]
    with subprocess.Popen(command) as child:
        (tmp_path / "etcd.pid").write_text(f'{{"pid": {child.pid}, "command": {json.dumps(command)}, "gently": 15}}')
        while (process := Process(tmp_path, "etcd")).pid is None:
            time.sleep(0.01)
        started = time.monotonic()
        process.stop()
        assert time.monotonic() - started < 5


def test_what_was_started_is_seen_to_run_at_once(tmp_path: Path) -> None:
    for _ in range(20):
        process = Process(tmp_path, "etcd")
        process.start(["/bin/sleep", "60"])
        assert process.pid is not None
        process.stop()


def test_the_folder_of_a_killed_run_is_cleared_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    script = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from tests.servers.leftovers import temporary_folder; from tests.servers.process import Process\n"
        "with temporary_folder() as folder:\n"
        "    (folder / 'server').mkdir(); Process(folder / 'server', 'etcd').start(['/bin/sleep', '60'])\n"
        "    print(folder, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=building.ROOT, text=True, stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        with temporary_folder():
            assert folder.exists()  # its owner lives
        other.kill()
    left = Process(folder / "server", "etcd")
    assert left.pid is not None
    with temporary_folder():
        assert not folder.exists()
        assert left.pid is None


def test_the_default_recipe_is_the_one_of_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without building it: where the binary lies is known before."""
    binary = cache_folder() / f"controlplane-{Recipe().key()}" / "controlplane"
    binary.parent.mkdir(parents=True)
    binary.touch()
    assert controlplane() == binary
