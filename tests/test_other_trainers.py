"""Runs of other people's trainers: written live, shown as any other, and refused where only ours can be gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Cli

import vae_tui
from vae_tui import events as ev
from vae_tui.errors import CheckpointError, RunError
from vae_tui.headless import PlainView, watch_to_end
from vae_tui.imaging.grid import decode_png, split_grid
from vae_tui.runs.best import choose_best
from vae_tui.runs.commands import Save, Stop
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.runs.resume import find_resume_point
from vae_tui.runs.status import read_status
from vae_tui.runs.summary import summarize

ABOUT = {"model": "resnet18", "data": "cifar10", "optimizer.weight_decay": 0.1, "seed": 3, "augment": "flips"}
FOREVER = """
import sys, time
import vae_tui
with vae_tui.write_events("theirs", runs_dir=sys.argv[1]) as run:
    for step in range(1, 10_000):
        run.step(step, loss=100 / step)
        time.sleep(0.02)
        if run.should_stop:
            break
assert not {"torch", "textual", "pydantic"} & set(sys.modules)
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py", "--lr", "3"])


def write_run(name: str = "mine") -> Run:
    with vae_tui.write_events(name, about=ABOUT, epochs=2, steps_per_epoch=3, parameter_count=11) as run:
        for step in range(1, 7):
            run.step(
                step, distortion=90.0 - step, rate=torch.tensor(float(step), requires_grad=True), lr=1e-3, images=8
            )
            if step % 3 == 0:
                figures = {"distortion": 90 - step, "rate": step}
                run.epoch(step // 3, train=figures, validation=figures, rate_per_dimension=torch.tensor([step, 0.0]))
        run.note("the learning rate was halved")
    return run.run


def break_off(name: str, error: BaseException) -> None:
    with vae_tui.write_events(name) as run:
        run.step(1, loss=3.0)
        raise error


def events(run: Run, kind: type[ev.Event]) -> list[ev.Event]:
    return [event for event in read_events(run.events_path) if isinstance(event, kind)]


def test_a_run_is_a_history_like_any_other() -> None:
    run = write_run()
    feed = vae_tui.watch("mine")
    history = feed.history
    assert (feed.status.phase, feed.skipped_lines) == ("completed", "")
    assert (history.epoch, history.step, history.epochs, history.steps_per_epoch) == (2, 6, 2, 3)
    assert history.validation["negative_elbo"].values.tolist() == [90, 90]
    assert history.train["lr"].values[-1] == 1e-3
    assert history.best is not None
    assert history.best.step == 3
    assert history.now.rate_per_dimension == (6, 0)
    assert [note.text for note in history.added_notes] == ["the learning rate was halved"]
    reports = events(run, ev.StepCompleted)
    assert sum(event.steps for event in reports) == 6  # type: ignore[attr-defined]
    assert [event.epoch for event in events(run, ev.EpochStarted)] == [1, 2]  # type: ignore[attr-defined]


def test_lists_have_its_best_epoch_of_what_still_counts() -> None:
    def epochs(run: vae_tui.other_trainers.WrittenRun, losses: Mapping[int, float | None]) -> None:
        for epoch, loss in losses.items():
            run.step(10 * epoch, loss=1.0)
            run.epoch(epoch, validation=None if loss is None else {"loss": loss, "elbo": -loss})

    with vae_tui.write_events("mine") as run:
        epochs(run, {1: 90.0, 2: 70.0, 3: None, 4: 60.0})
    summary = summarize(run.run)
    assert (summary.best_step, summary.best and summary.best["loss"]) == (40, 60.0)
    with vae_tui.write_events("mine", resumed_from=30) as run:
        epochs(run, {4: 80.0})
    summary = summarize(run.run)
    assert (summary.best_step, summary.best and summary.best["loss"]) == (20, 70.0)
    with vae_tui.write_events("unvalidated") as run:
        epochs(run, {1: None})
    assert summarize(run.run).best is None


def test_what_it_takes_of_the_machine_is_in_its_reports() -> None:
    with vae_tui.write_events("mine") as run:
        for step in range(1, 4):
            deadline = time.process_time() + 0.2
            while time.process_time() < deadline:
                pass
            run._machine_read -= 1  # a second passed
            run.step(step, loss=1.0)
    first, *later = events(run.run, ev.StepCompleted)
    assert first.cpu_percent is None  # type: ignore[attr-defined]
    assert all(report.cpu_percent > 1 for report in later)  # type: ignore[attr-defined]
    assert all(report.rss_bytes > 1 << 20 for report in (first, *later))  # type: ignore[attr-defined]


def test_what_it_is_about_stands_where_recipes_have_it() -> None:
    summary = summarize(write_run())
    assert summary.recipe == {
        "model": {"network": "resnet18"},
        "data": {"name": "cifar10"},
        "optimizer": {"weight_decay": 0.1},
        "train": {"seed": 3, "epochs": 2},
        "about": {"augment": "flips"},
    }
    assert summary.phase == "completed"
    assert summary.active_dimensions == 1


@pytest.mark.parametrize("shape", [(6, 1, 4, 5), (6, 4, 5, 1), (6, 4, 5), (6, 3, 4, 5), (6, 4, 5, 3)])
def test_pictures_may_come_in_any_of_the_usual_shapes(shape: tuple[int, ...]) -> None:
    images = np.linspace(-0.1, 1, int(np.prod(shape))).reshape(shape)
    with vae_tui.write_events("mine") as run:
        run.step(7, loss=1.0)
        run.images("samples", torch.from_numpy(images))
        run.images("reconstructions", images, of=images)
        run.images("samples", (images.clip(0, 1) * 255).round().astype(np.uint8))
    samples, pairs, _ = events(run.run, ev.ImagesDrawn)
    assert isinstance(samples, ev.ImagesDrawn)
    assert isinstance(pairs, ev.ImagesDrawn)
    assert (samples.path, samples.count, pairs.count) == ("images/samples-000000007.png", 6, 12)
    found = split_grid(decode_png((run.run.path / samples.path).read_bytes()), samples.count, samples.columns)
    assert found.shape == (6, 4, 5, 3 if 3 in shape else 1)
    assert (found[0, 0, 0, 0], found[-1, -1, -1, -1]) == (0, 255)


def test_a_loss_alone_is_minus_elbo_unless_it_has_another_name() -> None:
    for loss, expected in (("", -2.0), ("cross-entropy", None)):
        with vae_tui.write_events(f"run{loss}", loss=loss) as run:
            run.step(1, loss=2.0)
            run.epoch(1, train={"loss": 2.0}, validation={"loss": 2.0})
        (epoch,) = events(run.run, ev.EpochCompleted)
        assert isinstance(epoch, ev.EpochCompleted)
        assert epoch.train == {"loss": 2.0, "elbo": expected, "distortion": None, "rate": None}
        assert vae_tui.watch(run.run.name).history.loss_name == loss


def test_how_it_ended_is_what_was_raised() -> None:
    for name, error, expected in (
        ("broken", ZeroDivisionError("one by none"), "failed: ZeroDivisionError: one by none"),
        ("interrupted", KeyboardInterrupt(), "stopped by an interrupt"),
    ):
        with pytest.raises(type(error)):
            break_off(name, error)
        run = Run(Path("checkpoints", name))
        end = events(run, ev.RunFinished)[-1]
        assert isinstance(end, ev.RunFinished)
        assert (end.sentence, end.step) == (expected, 1)
        assert not read_status(run).live


def test_it_goes_on_in_the_same_log_from_a_step() -> None:
    run = write_run()
    with pytest.raises(
        RunError, match="mine exists already: choose another name, or go on with it by resumed_from=STEP"
    ):
        write_run()
    with vae_tui.write_events("mine", resumed_from=3) as again:
        again.step(4, loss=1.0)
        again.epoch(2, train={"loss": 1.0}, validation={"loss": 1.0})
    assert again.run.path == run.path
    history = vae_tui.watch("mine").history
    assert (history.step, list(history.validation["loss"].steps)) == (4, [3, 4])
    with (
        pytest.raises(RunError, match="other holds no run to go on with"),
        vae_tui.write_events("other", resumed_from=3),
    ):
        pass


def test_what_is_no_figure_and_no_picture_is_named() -> None:
    with vae_tui.write_events("mine") as run:
        with pytest.raises(ValueError, match="'accuracy' is no figure of a run: expected loss, elbo, distortion, rate"):
            run.epoch(1, train={"accuracy": 1.0})
        with pytest.raises(ValueError, match="expected a number, or a tensor of one, got 'low'"):
            run.epoch(1, train={"loss": "low"})  # type: ignore[dict-item]
        run.step(5, loss=float("nan"))
        with pytest.raises(ValueError, match="step 4 comes after step 5"):
            run.step(4, loss=1.0)
        with pytest.raises(ValueError, match=r"with C 1 or 3, got \(2, 2, 4, 4\)"):
            run.images("samples", np.zeros((2, 2, 4, 4)))
        with pytest.raises(
            ValueError, match="or \"reconstructions\" with the images they are `of`, got 'reconstructions'"
        ):
            run.images("reconstructions", np.zeros((2, 4, 4)))
    outside = vae_tui.write_events("other")
    with pytest.raises(RunError, match="inside `with vae_tui"):
        outside.step(1, loss=1.0)


def test_nobody_else_writes_it_and_it_is_told_to_stop(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", FOREVER, str(tmp_path)])
    run = Run(tmp_path / "theirs")
    while not read_status(run).live or not run.events_path.read_text().count("step_completed"):
        assert writer.poll() is None
        time.sleep(0.02)
    with (
        pytest.raises(RunError, match="is being trained by process"),
        vae_tui.write_events("theirs", runs_dir=tmp_path, resumed_from=1),
    ):
        pass
    feed = vae_tui.watch(run.path)
    assert feed.status.phase == "training"
    feed.send(Save())
    feed.send(Stop())
    assert writer.wait(timeout=30) == 0
    answers = [event for event in events(run, ev.CommandDone) if isinstance(event, ev.CommandDone)]
    assert [(event.command, event.refused) for event in answers] == [("save", True), ("stop", False)]
    assert events(run, ev.RunFinished)[-1].sentence == "stopped by request"  # type: ignore[attr-defined]


def test_one_that_is_killed_was_interrupted(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", FOREVER, str(tmp_path)])
    run = Run(tmp_path / "theirs")
    while not read_status(run).live:
        time.sleep(0.02)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert read_status(run).phase == "interrupted"


def test_what_needs_weights_of_ours_says_whose_run_it_is() -> None:
    run = write_run()
    for asked in (choose_best, find_resume_point):
        with pytest.raises(CheckpointError, match=r"mine was trained by another program \(train.py\), whose weights"):
            asked(run)


def test_plain_progress_leaves_out_what_was_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with vae_tui.write_events("bare", loss="cross-entropy") as run:
        run.epoch(1, train={"loss": 2.5})
    watch_to_end(run.run, PlainView())
    shown = capsys.readouterr().err
    assert "epoch   1  step      0  train loss 2.50" in shown
    assert not any(word in shown for word in ("0x0", "0 thread", "0 parameters", "images/s", "not finite"))


@pytest.mark.slow
def test_the_example_of_the_docs_runs() -> None:
    page = (Path(vae_tui.__file__).parents[1] / "docs" / "other-trainers.md").read_text()
    exec(compile(page.partition("```python\n")[2].partition("```")[0], "example", "exec"), {})
    history = vae_tui.watch("theirs").history
    assert (history.epoch, history.step, set(history.now.images)) == (3, 300, {"samples", "reconstructions"})


@pytest.mark.slow
def test_lists_and_comparisons_have_it_beside_others(cli: Cli) -> None:
    write_run()
    write_run("second")
    listed = cli("runs")
    assert "mine" in listed.stdout
    assert "cifar10" in listed.stdout
    compared = cli("compare", "mine", "second")
    assert (compared.returncode, compared.stderr) == (0, "")
    table = cli("export", "mine", "--csv", "epochs.csv")
    assert table.returncode == 0, table.stderr
    for command in (
        ["sample", "mine", "--out", "a.png"],
        ["train", "--resume", "mine"],
        ["export", "mine", "--pytorch", "x"],
    ):
        refused = cli(*command)
        assert refused.returncode != 0
        assert refused.stderr.count("\n") == 1
        assert "only its own program goes on with it" in refused.stderr
