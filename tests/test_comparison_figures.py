"""The curves of several runs as a figure or a table, from the command line."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Cli, MakeRun, train_events
from log_events import training_started
from PIL import Image

from vae_tui import events as ev
from vae_tui.errors import VaeTuiError
from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.styles import style_of

pytestmark = pytest.mark.slow


@pytest.fixture
def three(make_run: MakeRun) -> list[Run]:
    """Finished runs: with validation, with another loss, and without validation."""
    made = [
        make_run("train.epochs=2", name="$one_$"),
        make_run("objective.beta=4", name="_four"),
        make_run("data.validation=0", "train.epochs=1", name="bare"),
    ]
    for run in made:
        list(train_events(run))
    return made


def needs_matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="the optional package matplotlib is not installed")


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_runs_are_drawn_in_their_colors(cli: Cli, three: list[Run], tmp_path: Path, axis: str) -> None:
    needs_matplotlib()
    done = cli("compare", *(run.name for run in three), "--out", "curves.png", "--x", axis)
    assert (done.returncode, done.stdout, done.stderr) == (0, "curves.png\n", "")
    pixels = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB"))
    for index in range(3):
        color = style_of(index).color
        wanted = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
        assert (pixels == wanted).all(axis=-1).sum() > 100, color


def test_a_figure_names_its_runs_as_they_are_called(cli: Cli, three: list[Run], tmp_path: Path) -> None:
    needs_matplotlib()
    assert cli("compare", *(run.name for run in three), "--out", "curves.svg").returncode == 0
    drawn = (tmp_path / "curves.svg").read_text()
    for text in ("$one_$", "_four", "bare", "−ELBO", "distortion", "rate and distortion", "best by validation loss"):
        assert f">{text}</text>" in drawn, text
    assert cli("compare", *(run.name for run in three), "--out", "again.svg").returncode == 0
    assert (tmp_path / "again.svg").read_text() == drawn, "the same runs give the same bytes"


def test_runs_whose_nats_do_not_compare_are_drawn_with_a_note(
    cli: Cli, three: list[Run], make_run: MakeRun, tmp_path: Path
) -> None:
    needs_matplotlib()
    other = make_run("likelihood.name=gaussian", "train.epochs=1", name="other")
    list(train_events(other))
    done = cli("compare", "bare", "other", "--out", "curves.pdf")
    assert (done.returncode, done.stdout) == (0, "curves.pdf\n")
    assert done.stderr == "note: these runs have different images or likelihoods, so their nats do not compare\n"
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_the_curves_are_a_table_too(cli: Cli, three: list[Run], tmp_path: Path) -> None:
    done = cli("compare", *(run.name for run in three), "--out", "curves.csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "curves.csv\n", "")
    with (tmp_path / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["$one_$"] * 2 + ["_four"] * 3 + ["bare"]
    assert rows[2]["beta"] == "4.0"
    assert (rows[-1]["validation/elbo"], rows[-1]["train/elbo"] != "") == ("", True)


def test_runs_of_one_name_in_two_folders_are_called_by_their_paths(cli: Cli, three: list[Run], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    three[2].path.rename(tmp_path / "other" / "_four")
    assert cli("compare", "_four", "other/_four", "--out", "curves.csv").returncode == 0
    assert {line.split(",")[0] for line in (tmp_path / "curves.csv").read_text().splitlines()[1:]} == {
        "checkpoints/_four",
        "other/_four",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--out", "curves.gif"], "expected a name that ends in .png or .svg or .pdf or .csv"),
        (["--out", "nowhere/curves.csv"], "there is no folder"),
        (["--out", "curves.csv", "--json"], "give one of them"),
    ],
)
def test_what_cannot_be_written_is_one_message(
    cli: Cli, three: list[Run], arguments: list[str], complaint: str
) -> None:
    done = cli("compare", "bare", "_four", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert complaint in done.stderr


def history_of(*events: ev.Event) -> History:
    history = History()
    for event in events:
        history.add(event)
    return history


def test_without_matplotlib_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_tui.cli.figures import draw_comparison

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(VaeTuiError, match=r"pip install 'vae-tui\[figures\]'"):
        draw_comparison({"a": History(), "b": History()}, "step", ".png")


def test_runs_with_one_report_are_drawn_and_runs_without_any_are_refused() -> None:
    needs_matplotlib()
    from vae_tui.cli.figures import draw_comparison

    figures: ev.Figures = {"loss": 2.0, "elbo": -2.0, "distortion": 2.0, "rate": 0.0}
    report = ev.StepCompleted(
        time=2.0, step=1, epoch=1, steps=1, train=figures, beta=1.0, lr=1e-3, images_per_second=1.0
    )
    only = history_of(training_started(), report)
    assert draw_comparison({"only": only, "empty": History()}, "time", ".png").startswith(b"\x89PNG")
    with pytest.raises(VaeTuiError, match="none of these runs has a figure to draw yet"):
        draw_comparison({"a": History(), "b": History()}, "step", ".png")
