"""Size and shape as a test, not an opinion; what the layout promises; and words that must not be in any file."""

import ast
import importlib
import math
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import get_args

import pytest

from tenant_manager.core.tenant import Step

ROOT = Path(__file__).parent.parent.parent
LONGEST_FILE = 300
LONGEST_BODY = 40
MOST_BODIES = 20  # nine in ten are at most so long
PARTS = ("operator", "tests", "tools", "benchmarks")
LONGER_BODIES = {
    "operator/tenant_manager/telemetry/metrics.py:__init__": "a list of metrics, each with its help: nothing to follow",
}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# In two halves, so that this file does not hold them either.
HOSTS = [
    "".join(halves)
    for halves in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("proxy.", "golang.org"),
        ("sum.", "golang.org"),
        ("registry.", "npmjs.org"),
        ("deb.", "debian.org"),
        ("docker", ".io"),
        ("gh", "cr.io"),
        ("quay", ".io"),
        ("registry.", "k8s.io"),
    )
]


def tracked(*patterns: str) -> list[Path]:
    """Files of the project, those that are not added yet too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def bodies(path: Path) -> Iterator[tuple[str, int]]:
    """Every function with the lines of its body, its docstring left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield f"{name_of(path)}:{node.name}", (first[-1].end_lineno or 0) - first[0].lineno + 1 if first else 0


def test_no_file_is_longer_than_300_lines() -> None:
    files = tracked("*.py", "*.sql")
    assert len(files) > 100
    assert {name_of(path): size for path in files if (size := len(path.read_text().splitlines())) > LONGEST_FILE} == {}


def test_bodies_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    """Medians are reported, not barred: a bar there invites splitting for the number."""
    long: list[tuple[str, int]] = []
    for part in PARTS:
        found = [body for path in tracked(f"{part}/*.py") for body in bodies(path)]
        if not found:
            continue
        sizes = sorted(size for _, size in found)
        p90 = sizes[math.ceil(len(sizes) * 0.9) - 1]
        told = f"{part}: {len(sizes)} functions, body median {statistics.median(sizes):g}, p90 {p90}"
        with capsys.disabled():
            sys.stdout.write(f"\n{told}, longest {sizes[-1]}")
        assert p90 <= MOST_BODIES, told
        long += [(name, size) for name, size in found if size > LONGEST_BODY]
    assert [(name, size) for name, size in long if name not in LONGER_BODIES] == []
    assert {name for name, _ in long} == LONGER_BODIES.keys(), "an exception that is not needed any more"


def steps(of: object) -> Iterator[type]:
    """The classes of a union of unions."""
    for part in get_args(of):
        if isinstance(part, UnionType):
            yield from steps(part)
        else:
            yield part


def test_each_facet_has_its_twin() -> None:
    """The files of core/ that define steps and those of postgres/ that make calls have the same names."""
    facets = {step.__module__ for step in steps(Step)}
    names = [path.stem for path in (ROOT / "operator" / "tenant_manager" / "postgres").glob("*.py")]
    modules = {name: importlib.import_module(f"tenant_manager.postgres.{name}") for name in names if name != "__init__"}
    assert {f"tenant_manager.core.{name}" for name, twin in modules.items() if hasattr(twin, "call")} == facets


def test_the_kernel_is_numbered_in_the_order_in_which_it_is_read() -> None:
    names = [path.name for path in tracked("operator/tenant_manager/postgres/kernel/*")]
    assert names
    assert all(name[:3].isdigit() and name[3] == "_" and name.endswith(".sql") for name in names)
    assert len({name[:3] for name in names}) == len(names)


def test_no_file_names_where_packages_come_from() -> None:
    found = [
        f"{name_of(path)}: {host}" for path in tracked() for host in HOSTS if host.encode() in path.read_bytes().lower()
    ]
    assert found == []


def test_links_between_pages_lead_somewhere() -> None:
    """Within the project: the file is there, and the heading too."""
    pages = tracked("*.md")
    assert ROOT / "README.md" in pages
    broken = [f"{name_of(page)}: {link}" for page in pages for link in links(page) if not leads(page, link)]
    assert broken == []


def links(page: Path) -> list[str]:
    found = LINK.findall(page.read_text())
    return [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]


def leads(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not heading or heading in anchors(target))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
