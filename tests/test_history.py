import dataclasses
import math
from collections.abc import Sequence

import pytest

from vae_tui import events as ev
from vae_tui.history import History, Series

RECIPE = {"data": {"name": "digits"}, "train": {"epochs": 10}}
FIGURES: ev.Figures = {"loss": 110.0, "elbo": -110.0, "distortion": 90.0, "rate": 20.0}


def started(time: float = 0.0, step: int = 0, **said: object) -> ev.RunStarted:
    return ev.RunStarted(**{"time": time, "step": step, "pid": 1, "version": "0", "recipe": RECIPE, **said})  # type: ignore[arg-type]


def ready(time: float = 1.0, step: int = 0, notes: tuple[str, ...] = ()) -> ev.TrainingStarted:
    return ev.TrainingStarted(
        time=time,
        step=step,
        device="cpu",
        threads=2,
        versions={},
        parameter_count=10,
        data_sizes={"train": 1000},
        image_shape=(1, 8, 8),
        network="mlp 64-32-2",
        steps_per_epoch=10,
        notes=notes,
    )


def stepped(time: float, step: int, train: ev.Figures = FIGURES) -> ev.StepCompleted:
    epoch = math.ceil(step / 10)
    return ev.StepCompleted(
        time=time, step=step, epoch=epoch, steps=1, train=train, beta=1.0, lr=1e-3, images_per_second=1.0
    )


def completed(
    time: float, step: int, elbo: float | None = -110.0, rates: Sequence[float | None] = (1.0, 0.001)
) -> ev.EpochCompleted:
    validation: ev.Figures = {"loss": None if elbo is None else -elbo, "elbo": elbo, "distortion": 90.0, "rate": 20.0}
    return ev.EpochCompleted(
        time=time,
        step=step,
        epoch=step // 10,
        train=FIGURES,
        validation=validation,
        rate_per_dimension=list(rates),
        beta=1.0,
        lr=1e-3,
        images_per_second=1.0,
        elapsed_seconds=time,
    )


def saved(step: int, *, best: bool) -> ev.CheckpointSaved:
    return ev.CheckpointSaved(time=step, step=step, epoch=step // 10, path=f"step-{step:09d}.safetensors", best=best)


def drawn(step: int, kind: str = "samples") -> ev.ImagesDrawn:
    path = f"images/{kind}-{step}.png"
    return ev.ImagesDrawn(time=step, step=step, kind=kind, epoch=0, path=path, count=4, columns=2, padding=2)  # type: ignore[arg-type]


def told(*events: ev.Event) -> History:
    history = History()
    for event in events:
        history.add(event)
    return history


def test_figures_become_series_against_steps() -> None:
    history = told(started(), ready(), stepped(1.1, 1), stepped(1.2, 2), completed(1.3, 10, elbo=-105.0))
    assert history.train["negative_elbo"].points() == [(1, 110.0), (2, 110.0)]
    assert history.train["rate"].points() == [(1, 20.0), (2, 20.0)]
    assert history.validation["negative_elbo"].points() == [(10, 105.0)]


def test_series_can_be_read_against_epochs_and_seconds_of_training() -> None:
    history = told(started(time=100.0), ready(time=105.0), stepped(106.0, 5), stepped(107.0, 10))
    series = history.train["loss"]
    assert series.points("epoch", steps_per_epoch=history.steps_per_epoch) == [(0.5, 110.0), (1.0, 110.0)]
    assert series.points("time") == [(1.0, 110.0), (2.0, 110.0)]


def test_a_figure_that_is_not_finite_leaves_a_gap() -> None:
    history = told(started(), ready(), stepped(1.1, 1), stepped(1.2, 2, {**FIGURES, "elbo": None}), stepped(1.3, 3))
    assert [x for x, _ in history.train["negative_elbo"].points()] == [1, 3]
    assert [x for x, _ in history.train["rate"].points()] == [1, 2, 3]


def test_the_phases_of_a_run() -> None:
    history = History()
    assert history.phase == "starting"
    for event, phase in (
        (started(), "starting"),
        (ready(), "training"),
        (ev.CommandDone(time=2.0, step=1, command="pause", message="paused"), "paused"),
        (ev.CommandDone(time=3.0, step=1, command="resume", message="resumed"), "training"),
        (ev.RunFinished(time=4.0, step=2, status="failed", reason="NaN", epoch=0), "failed"),
        (started(time=5.0, resumed_from=0), "starting"),
    ):
        history.add(event)
        assert history.phase == phase


def test_stages_carry_their_progress_and_duration() -> None:
    history = told(
        started(),
        ev.StageProgressed(time=1.0, step=0, stage="importing torch"),
        ev.StageProgressed(time=3.0, step=0, stage="decoding images", done=0, total=10),
        ev.StageProgressed(time=4.0, step=0, stage="decoding images", done=5, total=10),
    )
    first, second = history.stages
    assert (first.name, first.began, first.heard) == ("importing torch", 1.0, 3.0)
    assert (second.done, second.total, second.began, second.heard) == (5, 10, 3.0, 4.0)


def test_best_is_the_lowest_validation_loss() -> None:
    history = told(started(), ready(), completed(2, 10, -120.0), completed(3, 20, -101.0), completed(4, 30, -103.0))
    assert history.best is not None
    assert (history.best.step, history.best.negative_elbo) == (20, 101.0)


def test_active_dimensions_carry_more_than_a_hundredth_of_a_nat() -> None:
    history = told(started(), ready(), completed(2, 10, rates=[0.5, 0.011, 0.009, None]))
    assert history.active_dimensions == 2
    assert len(history.rate_per_dimension) == 4


def test_the_latest_pictures_and_checkpoints() -> None:
    history = told(
        started(), ready(), drawn(1), drawn(1, "reconstructions"), drawn(5), saved(3, best=True), saved(5, best=False)
    )
    samples, last, best = history.images("samples"), history.last_checkpoint, history.best_checkpoint
    assert samples is not None
    assert last is not None
    assert best is not None
    assert (samples.step, last.step, best.step) == (5, 5, 3)
    assert history.images("manifold") is None


def test_a_resumed_attempt_voids_what_was_said_of_later_steps() -> None:
    before = [started(), ready()]
    for step in range(1, 26):
        before.append(stepped(1 + step, step))
        if step % 10 == 0:
            before += [completed(1 + step, step, -130.0 + step), drawn(step), saved(step, best=True)]
    history = told(*before, started(time=100.0, step=10, resumed_from=10))
    assert history.step == 10
    assert history.train["loss"].points()[-1][0] == 10
    assert history.validation["negative_elbo"].points() == [(10, 120.0)]
    assert history.best is not None
    assert history.best.step == 10
    assert history.latest is None
    samples, last, best = history.images("samples"), history.last_checkpoint, history.best_checkpoint
    assert samples is not None
    assert last is not None
    assert best is not None
    assert {samples.step, last.step, best.step} == {10}
    assert history.latest_epoch is not None
    assert history.latest_epoch.step == 10


def test_time_between_attempts_is_no_training_time() -> None:
    history = told(
        started(), ready(0.0), stepped(4.0, 10), stepped(6.0, 12), started(time=500.0, step=10, resumed_from=10)
    )
    history.add(ready(510.0, 10))
    history.add(stepped(512.0, 15))
    assert history.seconds == 6.0
    assert history.train["loss"].points("time") == [(4.0, 110.0), (6.0, 110.0)]


def test_a_run_started_over_begins_from_nothing() -> None:
    history = told(started(), ready(), stepped(2.0, 5), started(time=10.0))
    assert len(history.train["loss"]) == 0
    assert history.step == 0


def test_the_time_left_comes_from_the_epochs_and_the_pace() -> None:
    history = told(started(), ready(0.0), *(stepped(float(second), 2 * second) for second in range(1, 21)))
    assert history.eta_seconds == pytest.approx((100 - 40) / 2)


def test_nobody_guesses_the_time_left_before_there_is_a_pace() -> None:
    assert told(started()).eta_seconds is None
    assert told(started(), ready(), stepped(2.0, 1)).eta_seconds is None


def test_the_time_left_is_bounded_by_the_time_training_may_take() -> None:
    recipe = {"train": {"epochs": 1000, "max_seconds": 30.0}}
    history = told(started(recipe=recipe), ready(0.0), stepped(5.0, 5), stepped(10.0, 10))
    assert history.eta_seconds == pytest.approx(20.0)
    only_seconds = dataclasses.replace(started(), recipe={"train": {"max_seconds": 30.0}})
    assert told(only_seconds, ready(0.0), stepped(10.0, 10)).eta_seconds == pytest.approx(20.0)


def test_a_pause_and_a_resumed_attempt_do_not_spoil_the_pace() -> None:
    history = told(started(), ready(0.0), stepped(5.0, 10), stepped(10.0, 20))
    history.add(ev.CommandDone(time=10.0, step=20, command="pause", message=""))
    history.add(ev.CommandDone(time=5000.0, step=20, command="resume", message=""))
    history.add(stepped(5005.0, 30))
    assert history.eta_seconds == pytest.approx(35.0)
    history.add(started(time=9000.0, step=20, resumed_from=20))
    history.add(ready(9100.0, 20))
    assert history.eta_seconds is None
    history.add(stepped(9101.0, 24))
    history.add(stepped(9102.0, 28))
    assert history.eta_seconds == pytest.approx(72 / 4)


def test_a_finished_run_has_no_time_left() -> None:
    history = told(started(), ready(0.0), stepped(5.0, 10), stepped(10.0, 20))
    history.add(ev.RunFinished(time=11.0, step=20, status="stopped", reason="asked to", epoch=2))
    assert history.eta_seconds is None


def test_messages_say_what_came_of_commands_and_notes() -> None:
    history = told(started(), ready(notes=("3 files were skipped",)), saved(10, best=True))
    history.add(ev.CommandDone(time=2.0, step=1, command="save", message="saved at step 1"))
    texts = [note.text for note in history.messages]
    assert texts == ["3 files were skipped", "saved step-000000010.safetensors, the best so far", "saved at step 1"]
    assert history.notes == ("3 files were skipped",)
    assert history.commands_done == {"save": 1}


def series_of(values: Sequence[float]) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.append(step, step / 10, value)
    return series


def test_thinning_keeps_the_extremes_of_every_column() -> None:
    values = [math.sin(step / 700) + (5 if step == 4321 else 0) for step in range(10_000)]
    thinned = series_of(values).thin(50)
    assert len(thinned) <= 100
    assert (4321, values[4321]) in thinned
    assert min(y for _, y in thinned) == min(values)
    assert [x for x, _ in thinned] == sorted(x for x, _ in thinned)


def test_few_points_are_not_thinned() -> None:
    series = series_of([3.0, 1.0, 2.0])
    assert series.thin(50) == [(0, 3.0), (1, 1.0), (2, 2.0)]
    assert Series().thin(50) == []


def test_column_means_average_what_falls_into_a_column() -> None:
    assert series_of([1.0, 3.0, 10.0, 20.0]).column_means(2) == [(0.5, 2.0), (2.5, 15.0)]
    assert series_of([4.0]).column_means(7) == [(0.0, 4.0)]
    assert Series().column_means(7) == []
