"""Charts and screens as files, from the training screen and from runs over each other."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_trainer import FakeTrainer
from PIL import Image
from shown import Shown

from vae_tui import events as ev
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events_of
from vae_tui.runs.styles import style_of
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.home import HomeScreen

pytestmark = pytest.mark.slow


@pytest.fixture
def trained(trainer: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    trainer.finish("completed")
    return run


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


async def test_the_charts_in_sight_are_a_table_of_every_value(trained: Run, show: Any) -> None:
    async with show(trained, (200, 50)) as shown:
        await shown.press("tab")
        await shown.press("E", "t", "enter")
        path = Path(f"{trained.name}-table.csv")
        await shown.sees(f"wrote {path.absolute()}"[:90])
    rows = read_csv(path)
    assert list(rows[0]) == [
        "run",
        "step",
        "epoch",
        "seconds",
        *(f"{split}/{figure}" for figure in ("-elbo", "loss") for split in ("train", "validation")),
    ]
    reports = list(read_events_of(trained.events_path, ev.StepCompleted))
    assert [int(row["step"]) for row in rows] == [report.step for report in reports]
    assert [float(row["train/-elbo"]) for row in rows] == [-report.train["elbo"] for report in reports]  # type: ignore[attr-defined]
    assert [row["step"] for row in rows if row["validation/-elbo"]] == ["120", "240"]
    assert (rows[-1]["run"], rows[-1]["epoch"]) == (trained.name, "2.0")


@pytest.mark.parametrize(("key", "suffix"), [("p", ".png"), ("v", ".svg")])
async def test_the_charts_in_sight_are_drawn(trained: Run, show: Any, tmp_path: Path, key: str, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    async with show(trained, (200, 50)) as shown:
        await shown.press("E")
        await shown.sees("of −ELBO, distortion and rate")
        await shown.press(key, *["ctrl+u"], *f"mine{suffix}", "enter")
        await shown.sees(f"wrote {tmp_path}/mine{suffix}")
    drawn = tmp_path / f"mine{suffix}"
    if suffix == ".svg":
        text = drawn.read_text()
        assert all(name in text for name in ("−ELBO, nats/image", "training", "validation", "best", "step"))
    else:
        pixels = np.asarray(Image.open(drawn).convert("RGB"))
        assert (pixels == (0, 114, 178)).all(axis=-1).sum() > 100


async def test_the_screen_is_an_svg_as_it_was_before_the_question(trained: Run, show: Any, tmp_path: Path) -> None:
    async with show(trained, (120, 40)) as shown:
        await shown.press("E", "s", "enter")
        await shown.sees("wrote ")
    text = (tmp_path / f"{trained.name}-screen.svg").read_text()
    assert "completed" in text
    assert "on&#160;white" not in text


async def test_nothing_is_written_over_unless_that_is_meant(trained: Run, show: Any, tmp_path: Path) -> None:
    path = tmp_path / f"{trained.name}-table.csv"
    path.write_text("mine\n")
    async with show(trained) as shown:
        await shown.press("E", "t", "enter")
        await shown.sees("exists already")
        await shown.press("escape")
        assert path.read_text() == "mine\n"
        await shown.press("E", "t", "enter")
        await shown.sees("exists already")
        await shown.press("r")
        await shown.sees("wrote ")
    assert len(read_csv(path)) == 40


@pytest.mark.parametrize(
    ("name", "said"),
    [("x.png", "ends in .csv"), ("nowhere/x.csv", "there is no folder"), ("folder.csv", "is a folder")],
)
async def test_a_name_that_cannot_be_is_said_to_be(
    trained: Run, show: Any, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    async with show(trained) as shown:
        await shown.press("E", "t", "ctrl+u", *name, "enter")
        await shown.sees(said)


async def test_without_matplotlib_one_sentence_says_how_to_install_it(
    trained: Run, show: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    async with show(trained, (200, 50)) as shown:
        await shown.press("E", "p", "enter")
        await shown.sees("pip install 'vae-tui[figures]'")
        await shown.press("E", "t", "enter")
        await shown.sees("wrote ")
    assert {path.suffix for path in tmp_path.glob("beta1*")} == {".csv"}


async def test_runs_over_each_other_are_exported_together(trained: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    other = FakeTrainer(Run.create(trained.path.parent, "other", "", exact=True))
    other.start(batch_size=50)
    other.begin()
    other.train_epoch()
    other.train_epoch()
    other.finish("completed")
    app = VaeTuiApp(HomeScreen(trained.path.parent))
    async with app.run_test(size=(160, 48)) as pilot:
        shown = Shown(app, pilot)
        await shown.sees("other")
        await shown.settle()
        await shown.press("a", "o")
        await shown.sees("2 runs")
        await shown.settle()
        await shown.press("E", "t", "enter")
        await shown.sees("wrote ")
        rows = read_csv(tmp_path / "runs-table.csv")
        assert {row["run"] for row in rows} == {trained.name, "other"}
        assert "validation/rate" in rows[0]
        await shown.press("E", "v", "enter")
        await shown.sees("runs-drawing.svg")
        await shown.until(lambda: (tmp_path / "runs-drawing.svg").exists())
        drawn = (tmp_path / "runs-drawing.svg").read_text()
        assert trained.name in drawn
        assert all(style_of(index).color in drawn for index in range(2))
        await shown.press("2", "E", "p", "enter")
        await shown.until(lambda: (tmp_path / "runs-picture.png").exists())
        await shown.press("3", "E")
        await shown.sees("as it is, as SVG")
        assert "CSV" not in shown.text
