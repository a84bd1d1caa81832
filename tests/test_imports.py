"""What each front end may not import, asked of fresh interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = {"torch", "torchvision", "sklearn"}


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "module",
    [
        "vae_tui",
        "vae_tui.cli",
        "vae_tui.headless",
        "vae_tui.doctor",
        "vae_tui.tui.widgets.dashboard",
        "vae_tui.training.train_run",
    ],
)
def test_nothing_imports_torch_before_it_must(module: str) -> None:
    assert not modules_after(f"import {module}") & HEAVY


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["check", "digits"], ["--version"], ["project", "--help"]]
)
def test_commands_that_need_no_torch_do_not_import_it(arguments: list[str]) -> None:
    found = modules_after(
        f"import sys; sys.argv = ['vae-tui', *{arguments!r}]\n"
        "from vae_tui.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not found & HEAVY
    assert "textual" not in found


def test_the_help_does_not_wait_for_what_reads_runs_and_recipes() -> None:
    found = modules_after("import vae_tui.cli.main")
    assert not found & {"vae_tui.events", "vae_tui.recipe", "vae_tui.runs.log", "pydantic", "numpy", "rich", "psutil"}


def test_the_screen_needs_neither_torch_nor_pydantic_to_paint() -> None:
    assert not modules_after("import vae_tui.tui.app, vae_tui.runs.job") & (HEAVY | {"pydantic", "plotext", "numpy"})


def test_training_imports_neither_textual_nor_torchvision() -> None:
    assert not modules_after("import vae_tui.training.loop") & {"textual", "typer", "torchvision", "sklearn"}
