"""What people install: the image's recipe, the locks, and the wheel, in an environment of its own."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tenant_manager import __version__

ROOT = Path(__file__).parent.parent.parent
KERNEL = "tenant_manager/postgres/kernel"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS: dict[str, list[str]] = {
    "run": PROJECT["project"]["dependencies"],
    "build": PROJECT["dependency-groups"]["build"],
    "go": PROJECT["dependency-groups"]["go"],
    "dev": [
        *PROJECT["project"]["dependencies"],
        *PROJECT["dependency-groups"]["dev"],
        *PROJECT["dependency-groups"]["servers"],
    ],
}


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def dockerfile() -> list[str]:
    """The instructions, each on one line."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line and not line.startswith("#")]


# The image


def test_the_linter_has_nothing_to_say_of_the_dockerfile() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    assert run(linter, "--failure-threshold", "style", "Dockerfile") == ""


def test_the_image_runs_as_a_user_with_a_number_that_is_not_root() -> None:
    users = [line.removeprefix("USER ") for line in dockerfile() if line.startswith("USER ")]
    assert users
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_the_image_takes_nothing_that_a_lock_does_not_name_with_its_hash() -> None:
    installs = re.findall(r"pip install (.*?)(?: &&|$)", "\n".join(dockerfile()), re.MULTILINE)
    allowed = [f"--require-hashes -r requirements/{lock}.txt" for lock in ("run", "build")]
    assert sorted(installs) == sorted([*allowed, "--no-deps /tmp/wheel/*.whl"])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_the_project_asks_for_with_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "requirements" / f"{lock}.txt").read_text())
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    pinned = {
        entry.partition("==")[0].partition("[")[0]: re.split("[ ;]", entry.partition("==")[2])[0] for entry in entries
    }
    for wanted in map(Requirement, LOCKS[lock]):
        assert wanted.specifier.contains(pinned[wanted.name.lower()]), f"{wanted}: run `make lock`"


# The wheel


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image's recipe copies, and nothing else: what .dockerignore keeps out is not there to be copied."""
    folder = tmp_path_factory.mktemp("sources")
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in dockerfile():
        if not line.startswith("COPY ") or "--from" in line:
            continue
        *names, target = line.split()[1:]
        for name in names:
            assert name.split("/")[0] in let_in, f".dockerignore keeps out {name}"
            _copy(ROOT / name, folder / target, into=len(names) > 1 or target.endswith("/"))
    return folder


def _copy(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        place = target / source.name if into else target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as the image's recipe builds it, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    assert any("-m hatchling build -t wheel -d /tmp/wheel" in line for line in dockerfile())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=sources)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_the_package_the_kernel_and_nothing_else(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    code = {
        str(path.relative_to(ROOT / "operator"))
        for pattern in ("*.py", "*.sql")
        for path in (ROOT / "operator").rglob(pattern)
    }
    assert any(name.startswith(KERNEL) for name in code)
    about = {name for name in held if ".dist-info/" in name}
    assert held - about == code
    assert any(name.endswith("licenses/LICENSE") for name in about)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new environment with the wheel. What it depends on comes from ours: no network is needed."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", "--no-index", "--no-deps", wheel)
    # a path file's own path files are not read, so that our editable installation stays out of sight
    place = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (place / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    yield folder
    shutil.rmtree(folder)


def test_the_wheel_brings_a_command_that_works(installed: Path, tmp_path: Path) -> None:
    command = installed / "bin" / "tenant-manager"
    assert run(command, "--version", cwd=tmp_path) == __version__
    assert "bootstrap" in run(command, "--help", cwd=tmp_path)
    assert "Run the operator" in run(command, "run", "--help", cwd=tmp_path)
    where = run(
        installed / "bin" / "python", "-c", "import tenant_manager; print(tenant_manager.__file__)", cwd=tmp_path
    )
    assert Path(where).is_relative_to(installed)


def test_the_wheel_brings_the_whole_kernel(installed: Path, tmp_path: Path) -> None:
    printed = run(installed / "bin" / "tenant-manager", "bootstrap", "--print-sql", cwd=tmp_path)
    files = sorted((ROOT / "operator" / KERNEL).glob("*.sql"))
    assert files
    for file in files:
        assert file.read_text().strip() in printed


# The folder `operator`


@pytest.mark.parametrize("place", [ROOT, ROOT / "operator"], ids=["root", "source-root"])
def test_import_operator_gives_the_standard_librarys(place: Path) -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    where = run(sys.executable, "-c", "import operator; print(operator.__file__)", cwd=place)
    assert Path(where).parent == Path(sysconfig.get_path("stdlib"))
