"""Texts of runs that others may want to have."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from vae_tui.errors import RunError
from vae_tui.runs.excerpts import (
    command_for,
    describe_moment,
    path_of,
    read_recipe_text,
    tabulate_moment,
    tabulate_summaries,
)
from vae_tui.runs.history import Moment
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import summarize

FIGURES = {"loss": 142.0, "negative_elbo": 142.31, "distortion": 128.9, "rate": math.nan}
MOMENT = Moment(step=1200, epoch=3, seconds=2.5, train={**FIGURES, "lr": 1e-3}, validation={"negative_elbo": 143.0})


def test_a_summary_can_be_read(run: Run) -> None:
    path, figures = describe_moment(run, MOMENT).splitlines()
    assert path == str(run.path.absolute())
    assert figures == (
        "step 1,200, epoch 3; training -ELBO 142.31, distortion 128.90, rate –; "
        "validation -ELBO 143.00, distortion –, rate –"
    )
    assert describe_moment(run, Moment()).splitlines()[1] == "step 0, epoch 0"


def test_figures_are_a_line_of_names_and_one_of_values() -> None:
    assert tabulate_moment(MOMENT) == (
        "step\tepoch\tseconds\ttrain/loss\ttrain/negative_elbo\ttrain/distortion\ttrain/rate\tlr\tvalidation/negative_elbo\n"
        "1200\t3\t2.5\t142\t142.31\t128.9\t\t0.001\t143\n"
    )


def test_runs_are_a_line_each(run: Run) -> None:
    names, row = tabulate_summaries([summarize(run)]).splitlines()
    assert names.startswith("state\tname\trecipe")
    assert len(row.split("\t")) == len(names.split("\t"))
    assert row.startswith("interrupted\there\t\t")


def test_a_name_that_steers_terminals_is_written_out(tmp_path: Path) -> None:
    run = Run(tmp_path / "a\x1b[31m\udce9")
    assert path_of(run) == f"{tmp_path}/a\\x1b[31m\\xe9"
    assert describe_moment(run, MOMENT).startswith(f"{tmp_path}/a\\x1b[31m\\xe9\n")


def test_a_command_goes_on_with_a_run_or_shows_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(run.path.parent))
    assert command_for(run, live=False) == "vae-tui train --resume here"
    assert command_for(run, live=True) == "vae-tui watch here"


def test_a_recipe_is_copied_as_it_stands(run: Run) -> None:
    assert read_recipe_text(run) == run.recipe_path.read_text()
    run.recipe_path.unlink()
    with pytest.raises(RunError, match=r"recipe\.toml cannot be read: No such file"):
        read_recipe_text(run)
