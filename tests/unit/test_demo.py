"""What the demo shows, and that one command at a time works in its folder."""

import io
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from tenant_manager.postgres.call import Call
from tools.demo.database import masked
from tools.demo.place import ROOT, Place, Trouble
from tools.demo.preview import documents, previews, rendered
from tools.demo.screen import Screen

EXAMPLES = documents(ROOT / "examples")


def drawn(text: io.StringIO, width: int = 80, height: int = 24) -> Screen:
    return Screen(Console(file=text, force_terminal=True, width=width, height=height, color_system=None))


def looks(screen: Screen) -> str:
    """What is on it at the moment."""
    text = io.StringIO()
    Console(file=text, width=80).print(screen)
    return text.getvalue()


def plain(text: io.StringIO) -> Screen:
    return Screen(Console(file=text, width=80))


def test_every_example_is_created_by_one_call() -> None:
    shown = list(previews(EXAMPLES, "demo"))
    assert [preview.tenant for preview in shown] == ["acme", "globex", "initech"]
    for preview in shown:
        (create,) = [made for made in preview.calls if made.startswith("tenancy.create_tenant(epoch, ")]
        assert f"'{preview.tenant}'" in create


def test_a_plan_is_written_before_its_first_tenant_only() -> None:
    calls = [made for preview in previews(EXAMPLES, "demo") for made in preview.calls]
    plans = [re.findall('"name": "([a-z]+)"', made)[0] for made in calls if made.startswith("tenancy.set_plan")]
    assert plans == ["gold", "free"]


def test_a_suspended_example_is_closed() -> None:
    assert list(previews(EXAMPLES, "demo"))[-1].calls[-1] == "tenancy.close_login(epoch, 'initech')"


def test_no_verifier_is_shown() -> None:
    calls = "\n".join(made for preview in previews(EXAMPLES, "demo") for made in preview.calls)
    assert re.findall(r"SCRAM-SHA-256\$(.{8})", calls) == ["<masked>"] * 3


@pytest.mark.parametrize(
    ("argument", "shown"),
    [(None, "NULL"), (True, "true"), (-1, "-1"), ("it's", "'it''s'"), ({"a": "b'c"}, """'{"a": "b''c"}'""")],
)
def test_values_are_written_as_sql(argument: object, shown: str) -> None:
    assert rendered(Call("SELECT tenancy.f($1, $2) AS statements", (argument,))) == f"tenancy.f(epoch, {shown})"


def test_a_shown_url_has_no_password() -> None:
    url = "postgresql://acme:s3cret%40x@127.0.0.1:5432/app?sslmode=prefer"
    assert masked(url) == "postgresql://acme:****@127.0.0.1:5432/app?sslmode=prefer"


def test_without_a_terminal_there_are_lines_and_no_control_characters() -> None:
    text = io.StringIO()
    with plain(text) as screen, screen.stage("Kubernetes") as stage:
        for hundredth in range(100):
            screen.progress(stage, hundredth / 100, "building [it]")
        stage.detail = "v1.36.3"
    lines = text.getvalue().splitlines()
    assert len(lines) < 15
    assert lines[-1].startswith("Kubernetes: v1.36.3 (")
    assert "\x1b" not in text.getvalue()


def test_long_lines_are_cut_while_the_screen_is_too_small_and_whole_in_the_end() -> None:
    with drawn(io.StringIO()) as screen:
        screen.show("Many", [("word " * 60).strip()] * 20)
        assert looks(screen).count("…") == 20
    assert looks(screen).count("word") == 20 * 60


def test_a_failed_stage_stays_and_what_was_shown_goes() -> None:
    screen = drawn(io.StringIO())
    screen.show("Held", ["a promise"])
    with pytest.raises(Trouble), screen, screen.stage("Operator"):
        raise Trouble("It does not start.")
    assert "✗ Operator" in looks(screen)
    assert "promise" not in looks(screen)


def test_two_starts_at_a_time_are_refused(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.alone(), pytest.raises(Trouble, match="is at work here"), place.alone():
        pass
    with place.alone():
        pass


def test_a_start_that_is_at_work_can_be_interrupted(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tools.demo.place import Place\n"
        "with Place(Path(sys.argv[1])).alone(): print('at work', flush=True); time.sleep(60)"
    )
    place = Place(tmp_path)
    assert not place.interrupt()
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "at work\n"
        started = time.monotonic()
        assert place.interrupt()
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("command", ["stop", "shell", "psql"])
def test_where_nothing_runs_one_sentence_says_so(command: str, tmp_path: Path) -> None:
    done = run(command, tmp_path / "none", TENANT="acme")
    assert done.returncode == (0 if command == "stop" else 1)
    said = (done.stdout + done.stderr).strip()
    assert said in {"No demo runs.", "The demo does not run; start it with `make demo`."}


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("start", tmp_path / "file" / "demo")
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.demo", command],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DEMO_FOLDER": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
