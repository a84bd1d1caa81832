from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import MakeRun, train_events

from vae_tui import headless
from vae_tui.errors import DataError
from vae_tui.events import CheckpointSaved
from vae_tui.headless import PlainView, StageProgress, watch_to_end
from vae_tui.runs.log import read_events


def test_what_is_done_within_a_second_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    stages = StageProgress()
    stages.update("encoding", 1, 2)
    stages.close()
    assert capsys.readouterr().err == ""


def test_what_takes_longer_is_shown_once_a_stage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_SECONDS_BETWEEN_LINES", 0.0)
    stages = StageProgress()
    for done in range(3):
        stages.update("encoding", done, 2)
    stages.update("t-SNE", 0, None)
    stages.close()
    assert capsys.readouterr().err == "encoding\nt-SNE\n"


def test_a_terminal_is_shown_how_far_it_is_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "_SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    stages = StageProgress()
    stages.update("encoding", 1, 2)
    stages.update("encoding", 2, 2)
    stages.close()
    assert capsys.readouterr().err == "\r\x1b[2Kencoding  50%\r\x1b[2Kencoding 100%\r\x1b[2K"


def test_the_best_is_by_loss_and_says_so_where_the_loss_is_not_the_negative_elbo(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run("objective.beta=0")
    list(train_events(run))
    watch_to_end(run, PlainView())
    shown = capsys.readouterr().err
    assert "loss      distortion\n" in shown
    assert "(best by loss " in shown
    last = [line for line in shown.splitlines() if line.startswith("epoch ")][-1]
    figures = {
        name: float(value)
        for name, value in re.findall(r"(loss|-ELBO|distortion) ([\d.]+)", last.split("validation")[0])
    }
    assert figures["loss"] == figures["distortion"] < figures["-ELBO"]


def test_a_run_without_validation_has_no_best(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("data.validation=0")
    list(train_events(run))
    watch_to_end(run, PlainView())
    assert "best" not in capsys.readouterr().err
    assert not any(event.best for event in read_events(run.events_path) if isinstance(event, CheckpointSaved))


def test_the_end_of_a_run_is_told_in_as_many_lines_as_its_reason_has(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        (photos / f"{number}.png").write_bytes(b"no picture")
    run = make_run("data.name=folder", f"data.root={photos}")
    with pytest.raises(DataError):
        list(train_events(run))
    watch_to_end(run, PlainView())
    told = capsys.readouterr().err
    assert "\\n" not in told
    assert "failed: " in told
    assert sum(line.strip().startswith(str(photos)) or ".png" in line for line in told.splitlines()) >= 5


def test_one_epoch_is_not_several(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("train.epochs=1")
    list(train_events(run))
    watch_to_end(run, PlainView())
    assert "completed: 1 epoch\n" in capsys.readouterr().err
