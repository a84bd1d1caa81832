"""Training in this process, from event to event."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.errors import DataError, DeviceError, RecipeError, RunError
from vae_tui.imaging.grid import decode_png, split_grid
from vae_tui.model.checkpoint import load_checkpoint, read_tensors
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.commands import Pause, Sample, Save, Stop, Unpause, send_command
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.status import read_status
from vae_tui.training import loop


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def finish(run: Run, *overrides: str, resume: bool = False) -> list[ev.Event]:
    return list(train_events(run, resume=resume, overrides=overrides))


def only(kind: type[ev.Event], found: list[ev.Event]) -> list[ev.Event]:
    return [event for event in found if type(event) is kind]


def untimed(found: list[ev.Event]) -> list[dict[str, object]]:
    """What epochs said, less time and speed."""
    latest: dict[int, dict[str, object]] = {}
    for event in found:
        if isinstance(event, ev.EpochCompleted):
            body = json.loads(ev.to_json(event))
            latest[event.epoch] = {
                key: value for key, value in body.items() if key not in ("time", "images_per_second", "elapsed_seconds")
            }
    return [latest[epoch] for epoch in sorted(latest)]


def test_an_attempt_tells_its_story_in_order_and_leaves_it_in_the_log(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2")
    found = finish(run)
    assert found == read_events(run.events_path)
    names = [name for name, _ in itertools.groupby(event.event for event in found if event.event != "step_completed")]
    assert names[:3] == ["run_started", "stage_progressed", "training_started"]
    assert names[3:5] == ["epoch_started", "epoch_completed"]
    assert names[-4:] == ["epoch_completed", "checkpoint_saved", "images_drawn", "run_finished"]
    started = only(ev.TrainingStarted, found)[0]
    assert isinstance(started, ev.TrainingStarted)
    assert started.data_sizes == {"train": 97, "validation": 11, "test": 12}
    assert (started.image_shape, started.network, started.steps_per_epoch) == ((1, 8, 6), "mlp 48-16-3", 5)
    assert read_status(run).phase == "completed"


def test_figures_are_nats_per_image_and_add_up(make_run: MakeRun) -> None:
    run = make_run("objective.beta=2.5", "objective.warmup_epochs=4")
    for epoch in only(ev.EpochCompleted, finish(run)):
        assert isinstance(epoch, ev.EpochCompleted)
        assert epoch.validation is not None
        for figures in (epoch.train, epoch.validation):
            elbo, distortion, rate = (figures[name] for name in ("elbo", "distortion", "rate"))
            assert elbo is not None
            assert distortion is not None
            assert rate is not None
            assert elbo == pytest.approx(-(distortion + rate))
        assert sum(r for r in epoch.rate_per_dimension if r is not None) == pytest.approx(epoch.validation["rate"])
        assert epoch.validation["loss"] == pytest.approx(
            epoch.validation["distortion"] + 2.5 * epoch.validation["rate"]  # type: ignore[operator]
        )
        assert epoch.beta == pytest.approx(2.5 * epoch.epoch / 4)


def test_training_lowers_the_loss(make_run: MakeRun) -> None:
    epochs = [e for e in finish(make_run("train.epochs=40", "optimizer.lr=0.01")) if isinstance(e, ev.EpochCompleted)]
    first, last = epochs[0].validation, epochs[-1].validation
    assert first is not None
    assert last is not None
    assert last["elbo"] > first["elbo"] + 0.5  # type: ignore[operator]


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("data.binarize=dynamic", "optimizer.ema_decay=0.9", "optimizer.clip_norm=1.0"),
        (
            "model.network=conv",
            "model.channels=[4, 5]",
            "model.norm=batch",
            "data.mirror=true",
            "data.shift=1",
            "data.crop=0.2",
            "data.color_jitter=0.1",
            "optimizer.ema_decay=0.9",
        ),
        ("optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.lr=1e-4", "optimizer.schedule=cosine"),
        ("optimizer.name=adamw", "optimizer.weight_decay=0.1", "optimizer.schedule=exponential", "data.validation=0.0"),
        ("objective.name=factor", "optimizer.ema_decay=0.9"),
        ("objective.name=iwae", "objective.samples=3", "model.posterior=full", "prior.name=mixture"),
        ("objective.name=mmd", "likelihood.name=gaussian", "likelihood.sigma=optimal", "optimizer.ema_decay=0.9"),
        ("objective.name=capacity", "model.network=gated", "prior.name=vamp", "likelihood.name=discretized-logistic"),
    ],
    ids=[
        *("plain", "dynamic-ema-clip", "varied-conv-batch-norm", "sgd-cosine", "adamw-exponential-no-validation"),
        *("discriminator", "importance-weighted", "optimal-sigma", "pseudo-images"),
    ],
)
@pytest.mark.parametrize("steps", [3, 5, 8])
def test_a_run_that_was_interrupted_anywhere_ends_as_if_it_never_was(
    make_run: MakeRun, overrides: tuple[str, ...], steps: int
) -> None:
    whole = make_run(*overrides, name="whole")
    expected = finish(whole)
    broken = make_run(*overrides, name="broken")
    asked = iter([False] * steps)
    stopped = list(_stepwise(broken, lambda: next(asked, None) is not False))
    assert stopped[-1].step == steps
    assert isinstance(stopped[-1], ev.RunFinished)
    assert stopped[-1].status == "stopped"
    resumed = finish(broken, resume=True)
    assert isinstance(resumed[0], ev.RunStarted)
    assert resumed[0].resumed_from == steps
    assert untimed(read_events(broken.events_path)) == untimed(expected)
    last = whole.latest().path.name
    assert (broken.path / last).read_bytes() == (whole.path / last).read_bytes()


def _stepwise(run: Run, interrupted: object) -> Generator[ev.Event, None, None]:
    """A training that looks after every step whether it is to stop."""
    from vae_tui.training import loop

    before, loop._POLL_SECONDS = loop._POLL_SECONDS, 0.0
    try:
        yield from train_events(run, interrupted=interrupted)  # type: ignore[arg-type]
    finally:
        loop._POLL_SECONDS = before


def test_a_run_killed_before_its_first_checkpoint_begins_again(make_run: MakeRun) -> None:
    whole, killed = make_run(name="whole"), make_run(name="killed")
    expected = finish(whole)
    events = train_events(killed)
    next(event for event in events if isinstance(event, ev.EpochCompleted))
    events.close()
    for path in killed.path.glob("*.safetensors"):
        path.unlink()
    resumed = finish(killed, resume=True)
    assert isinstance(resumed[0], ev.RunStarted)
    assert resumed[0].resumed_from == 0
    assert untimed(resumed) == untimed(expected)


def test_weights_without_their_state_are_never_written_over(make_run: MakeRun) -> None:
    from vae_tui.errors import CheckpointError

    run = make_run("train.epochs=2")
    finish(run)
    weights = run.latest().path.read_bytes()
    run.latest().state_path.unlink()
    with pytest.raises(CheckpointError, match=r"weights but no state-.*train\.start_from="):
        finish(run, resume=True)
    assert run.latest().path.read_bytes() == weights


def test_a_run_goes_on_past_its_old_end(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2")
    finish(run)
    with pytest.raises(RunError, match="has finished its 2 epochs; go on with"):
        finish(run, resume=True)
    finish(run, "train.epochs=3", resume=True)
    longer = make_run("train.epochs=3", name="longer")
    finish(longer)
    weights, expected = read_tensors(run.latest().path)[0], read_tensors(longer.latest().path)[0]
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_step_and_checkpoint(make_run: MakeRun) -> None:
    run = make_run("optimizer.name=sgd", "optimizer.lr=1e30", "train.epochs=4")
    last = finish(run)[-1]
    assert isinstance(last, ev.RunFinished)
    assert last.status == "failed"
    assert "the loss was not finite at step 2" in last.reason
    assert "no checkpoint before it" in last.reason
    assert not run.checkpoints(), "weights that are not finite are never saved"

    run = make_run("optimizer.name=sgd", "optimizer.lr=1e-4", name="later")
    finish(run)
    good = run.latest().path
    run.write_recipe(
        run.recipe_path.read_text().replace("epochs = 3", "epochs = 9").replace("lr = 0.0001", "lr = 1e30")
    )
    last = finish(run, resume=True)[-1]
    assert isinstance(last, ev.RunFinished)
    assert str(good) in last.reason
    assert run.latest().path == good


def test_only_the_newest_checkpoints_and_the_best_are_kept(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    from vae_tui.training import checkpoints

    monkeypatch.setattr(checkpoints, "_SECONDS_BETWEEN", 0.0)
    run = make_run(
        "train.epochs=8", "train.keep=2", "optimizer.name=sgd", "optimizer.lr=0.02", "optimizer.momentum=0.9"
    )
    epochs = [e for e in finish(run) if isinstance(e, ev.EpochCompleted)]
    best = max(epochs, key=lambda e: e.validation["elbo"])  # type: ignore[index,arg-type,return-value]
    assert {c.step for c in run.checkpoints()} == {best.step, epochs[-2].step, epochs[-1].step}
    assert best_checkpoint(run).step == best.step
    assert [c.step for c in run.checkpoints() if c.state_path.exists()][-2:] == [epochs[-2].step, epochs[-1].step]


def test_the_best_is_kept_even_where_epochs_are_shorter_than_a_second(make_run: MakeRun) -> None:
    run = make_run("train.epochs=8", "optimizer.name=sgd", "optimizer.lr=0.02", "optimizer.momentum=0.9")
    epochs = [e for e in finish(run) if isinstance(e, ev.EpochCompleted)]
    best = max(epochs, key=lambda e: e.validation["elbo"])  # type: ignore[index,arg-type,return-value]
    assert best_checkpoint(run).step == best.step
    metadata = read_metadata(best_checkpoint(run).path)
    assert metadata["validation"]["elbo"] == best.validation["elbo"]  # type: ignore[index]
    assert metadata["rate_per_dimension"] == best.rate_per_dimension


def test_commands_are_carried_out_between_steps(make_run: MakeRun) -> None:
    run = make_run("train.epochs=200")
    events = _stepwise(run, lambda: False)
    next(event for event in events if isinstance(event, ev.EpochStarted))
    send_command(run, Save())
    send_command(run, Sample())
    send_command(run, Stop())
    rest = list(events)
    done = [event for event in rest if isinstance(event, ev.CommandDone)]
    assert [event.command for event in done] == ["save", "sample", "stop"]
    assert done[0].message == f"saved step-{done[0].step:09d}.safetensors"
    assert len(only(ev.ImagesDrawn, rest)) >= 2
    assert rest[-1] == read_events(run.events_path)[-1]
    assert read_status(run).phase == "stopped"
    assert run.latest().step == rest[-1].step


def test_while_paused_nothing_is_trained_and_no_time_passes(make_run: MakeRun) -> None:
    run = make_run("train.epochs=400")
    events = _stepwise(run, lambda: False)
    next(event for event in events if isinstance(event, ev.EpochStarted))
    send_command(run, Pause())
    send_command(run, Save())
    while not (isinstance(event := next(events), ev.CommandDone) and event.command == "save"):
        pass
    paused_step = event.step
    send_command(run, Unpause())
    send_command(run, Save())
    while not (isinstance(event := next(events), ev.CommandDone) and event.command == "save"):
        pass
    assert event.step == paused_step, "both saves were claimed between the same two steps"
    events.close()


def test_grids_show_samples_and_data_over_reconstructions(make_run: MakeRun) -> None:
    run = make_run("train.epochs=1")
    drawn = [event for event in finish(run) if isinstance(event, ev.ImagesDrawn)]
    samples, both = drawn
    tiles = split_grid(
        decode_png((run.path / samples.path).read_bytes()), samples.count, samples.columns, padding=samples.padding
    )
    vae = load_checkpoint(run.latest().path)
    expected = (vae.sample(6, seed=0) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(tiles, expected)
    pairs = split_grid(decode_png((run.path / both.path).read_bytes()), both.count, both.columns, padding=both.padding)
    data = pairs[: both.columns]
    original = np.load(make_run_source(run))
    assert all(any(np.array_equal(image[..., 0], one) for one in original) for image in data)
    assert not np.array_equal(pairs[both.columns : 2 * both.columns], data)


def make_run_source(run: Run) -> Path:
    return run.path.parent.parent / "blobs.npy"


def test_drawing_and_saving_leave_training_as_it_is(make_run: MakeRun) -> None:
    calm, busy = make_run(name="calm"), make_run(name="busy")
    finish(calm)
    events = _stepwise(busy, lambda: False)
    for event in events:
        if isinstance(event, ev.EpochStarted):
            send_command(busy, Sample())
            send_command(busy, Save())
    last = calm.latest().path.name
    assert (busy.path / last).read_bytes() == (calm.path / last).read_bytes()


def test_a_time_limit_ends_the_run_in_the_middle_of_an_epoch_with_its_figures(make_run: MakeRun) -> None:
    run = make_run("train.max_seconds=0.05", "train.epochs=100000")
    found = finish(run)
    last = found[-1]
    assert isinstance(last, ev.RunFinished)
    assert (last.status, last.reason) == ("completed", "0.05 seconds")
    assert only(ev.EpochCompleted, found)
    assert run.latest().step == last.step


def test_where_time_is_over_before_an_epochs_first_step_it_takes_one(make_run: MakeRun) -> None:
    found = finish(make_run("train.max_seconds=1e-9"))
    (epoch,) = only(ev.EpochCompleted, found)
    assert isinstance(epoch, ev.EpochCompleted)
    assert epoch.step == 1
    assert epoch.train["loss"] is not None
    assert epoch.train["loss"] > 0


def test_training_can_start_from_another_runs_weights(make_run: MakeRun) -> None:
    first = make_run("train.epochs=1")
    finish(first)
    second = make_run(f"train.start_from={first.path}", "train.epochs=1", "optimizer.lr=1e-12", name="second")
    finish(second)
    before, after = load_checkpoint(first.latest().path), load_checkpoint(second.latest().path)
    for old, new in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(old, new, atol=1e-9, rtol=0)


def test_weights_of_another_shape_cannot_be_started_from(make_run: MakeRun) -> None:
    from vae_tui.errors import CheckpointError

    first = make_run("train.epochs=1")
    finish(first)
    second = make_run(f"train.start_from={first.path}", "model.latent_dim=4", name="second")
    with pytest.raises(CheckpointError, match=r"does not fit .*\(6, 16\), expected \(8, 16\)"):
        finish(second)


def test_missing_images_and_missing_devices_end_the_attempt_as_failed(make_run: MakeRun, images_path: Path) -> None:
    run = make_run(name="no-gpu")
    with pytest.raises(DeviceError, match="--device tpu: expected"):
        list(train_events(run, device="tpu"))
    run = make_run(name="no-images")
    images_path.unlink()
    with pytest.raises(DataError, match=r"blobs\.npy"):
        finish(run)
    last = read_events(run.events_path)[-1]
    assert isinstance(last, ev.RunFinished)
    assert (last.status, "blobs.npy" in last.reason) == ("failed", True)


def test_an_epoch_that_would_end_with_a_batch_of_one_that_cannot_be_normalised_is_refused(make_run: MakeRun) -> None:
    # 120 blobs of 8 x 6 less a tenth twice are 97, so that batches of 96 leave one.
    conv = ("model.network=conv", "model.channels=[4, 4, 4]", "model.norm=batch")
    run = make_run(*conv, "train.batch_size=96")
    with pytest.raises(RecipeError, match=r"recipe\.toml: \[model\] norm: .* batch of one image") as refused:
        finish(run)
    assert read_events(run.events_path)[-1].sentence == f"failed: {refused.value}"  # type: ignore[attr-defined]
    assert only(ev.RunFinished, finish(make_run(*conv, "train.batch_size=97", "train.epochs=1", name="other")))


def test_leaving_the_loop_over_events_ends_the_run(make_run: MakeRun) -> None:
    run = make_run()
    for event in train_events(run):
        if isinstance(event, ev.EpochStarted):
            break
    assert read_status(run).phase == "stopped"


def test_resuming_survives_a_run_copied_elsewhere(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    finish(run)
    copy = Run(tmp_path / "copy")
    shutil.copytree(run.path, copy.path)
    copy.write_recipe(copy.recipe_path.read_text().replace("epochs = 3", "epochs = 4"))
    assert isinstance(finish(copy, resume=True)[-1], ev.RunFinished)
    assert read_status(copy).phase == "completed"


def test_saving_again_where_an_epoch_was_validated_keeps_what_was_measured(make_run: MakeRun) -> None:
    run = make_run("train.epochs=2")
    for event in _stepwise(run, lambda: False):
        if isinstance(event, ev.EpochStarted) and event.epoch == 2:
            send_command(run, Save())
    first = read_metadata(run.checkpoints()[0].path)
    assert (first["step"], first["epoch"]) == (5, 2), "before the second epoch's first step"
    assert first["validation"]["loss"] == only(ev.EpochCompleted, read_events(run.events_path))[0].validation["loss"]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_reports_cover_every_step_once_across_epochs(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    found = finish(make_run("train.epochs=400"))
    reports = [event for event in found if isinstance(event, ev.StepCompleted)]
    assert len(reports) > 2
    assert sum(report.steps for report in reports) == reports[-1].step
    assert all(report.train["loss"] is not None and 10 < report.train["loss"] < 60 for report in reports)


def test_a_run_that_cannot_be_written_any_more_fails_with_a_way_out(make_run: MakeRun) -> None:
    run = make_run("train.epochs=100000")
    events = _stepwise(run, lambda: False)
    next(event for event in events if isinstance(event, ev.EpochStarted))
    for step in range(10):
        (run.path / f".state-{step:09d}.safetensors.{os.getpid()}").mkdir()
    send_command(run, Save())
    with pytest.raises(RunError, match=r"state-.* could not be read or written"):
        list(events)
    last = read_events(run.events_path)[-1]
    assert isinstance(last, ev.RunFinished)
    assert "go on with: vae-tui train --resume" in last.reason


def test_a_run_remembers_where_its_images_lay(make_run: MakeRun, tmp_path: Path) -> None:
    from vae_tui.data import default_data_root, find_data_root

    there = tmp_path / "sets"
    there.mkdir()
    run = make_run("train.epochs=1")
    list(train_events(run, data_root=there))
    known = read_metadata(run.latest().path)
    assert find_data_root(None, known) == there
    assert find_data_root(tmp_path, known) == tmp_path
    there.rmdir()
    assert find_data_root(None, known) == default_data_root()


def test_a_stop_asked_for_while_images_are_read_takes_effect_there(make_run: MakeRun) -> None:
    run = make_run()
    send_command(run, Pause())
    send_command(run, Stop())
    last = finish(run)[-1]
    assert isinstance(last, ev.RunFinished)
    assert (last.status, last.reason, last.step) == ("stopped", "by request before the first step", 0)
    assert not run.checkpoints()
    assert isinstance(finish(run, resume=True)[-1], ev.RunFinished)
    assert read_status(run).phase == "completed"


def test_other_commands_wait_for_the_first_step(make_run: MakeRun) -> None:
    run = make_run("train.epochs=1")
    send_command(run, Save())
    done = only(ev.CommandDone, finish(run))
    assert [event.command for event in done] == ["save"]  # type: ignore[attr-defined]


def test_pictures_are_drawn_within_an_epoch_that_lasts_and_change_nothing(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, drawn = make_run(name="plain"), make_run(name="drawn")
    finish(plain)
    monkeypatch.setattr("vae_tui.training.loop._POLL_SECONDS", 0.0)
    monkeypatch.setattr("vae_tui.training.loop._SECONDS_WITHOUT_PICTURES", -1e9)
    events = finish(drawn)
    steps = [event.step for event in events if isinstance(event, ev.ImagesDrawn) and event.kind == "samples"]
    assert steps[:3] == [0, 1, 2]
    assert drawn.latest().path.read_bytes() == plain.latest().path.read_bytes()


def test_a_run_goes_on_where_its_images_have_moved_and_not_with_others(make_run: MakeRun, images_path: Path) -> None:
    run = make_run("train.epochs=1")
    finish(run)
    moved = images_path.rename(images_path.with_name("moved.npy"))
    last = finish(run, "train.epochs=2", f"data.root={moved}", resume=True)[-1]
    assert isinstance(last, ev.RunFinished)
    assert last.status == "completed"
    others = images_path.with_name("others.npy")
    np.save(others, 255 - np.load(moved))
    with pytest.raises(RunError, match="the training, validation and test images are not those of this run"):
        finish(run, "train.epochs=3", f"data.root={others}", resume=True)


def test_epochs_of_milliseconds_are_logged_ever_more_seldom_and_the_best_and_the_last_always(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(map(loop._is_logged, range(1, 10_000)))
    for least in (1000, 10_000, 1_000_000):
        assert sum(map(loop._is_logged, range(least, 10 * least))) == 9000
    monkeypatch.setattr(loop, "_is_logged", lambda epoch: epoch == 2)
    run = make_run("train.epochs=30", "optimizer.lr=0.1")
    events = list(train_events(run))
    assert [event.epoch for event in events if isinstance(event, ev.EpochStarted)] == [2]
    logged = [event for event in events if isinstance(event, ev.EpochCompleted)]
    assert {1, 2, 30} <= {event.epoch for event in logged}
    assert len(logged) < 30
    bests = [event.step for event in events if isinstance(event, ev.CheckpointSaved) and event.best]
    assert bests
    assert set(bests) <= {event.step for event in logged}
    assert best_checkpoint(run).step == bests[-1]
