"""The house rules that a reader relies on: how large a file and a class may be, and that no code is dead."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
LINES, METHODS = 500, 40
MAY_BE_LONGER = {"vae_tui/recipe/tables.py"}


def sources() -> list[Path]:
    return sorted(
        path
        for folder in ("vae_tui", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if path.is_file()
    )


def classes(path: Path) -> Iterator[ast.ClassDef]:
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef))


def test_no_file_is_longer_than_one_can_read_in_one_go() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources()}
    assert {name: count for name, count in lengths.items() if count > LINES and name not in MAY_BE_LONGER} == {}


def test_no_class_has_more_methods_than_one_can_hold_in_mind() -> None:
    counts = {
        f"{path.relative_to(ROOT)}:{node.name}": sum(
            isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) for item in node.body
        )
        for path in sources()
        for node in classes(path)
    }
    assert {name: count for name, count in counts.items() if count > METHODS} == {}


@pytest.mark.parametrize("name", ["Message", "State", "Stage", "Images", "Figure"])
def test_a_class_with_a_name_for_many_things_is_at_most_one_thing(name: str) -> None:
    found = [path for path in (ROOT / "vae_tui").rglob("*.py") for node in classes(path) if node.name == name]
    assert len(found) <= 1


def test_no_code_is_dead() -> None:
    done = subprocess.run([sys.executable, "-m", "vulture"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout + done.stderr == ""
