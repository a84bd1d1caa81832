import dataclasses
import math
from collections.abc import Sequence

import pytest
from log_events import training_started

from vae_tui import events as ev
from vae_tui.runs.history import History
from vae_tui.runs.series import Along

RECIPE = {"data": {"name": "digits"}, "train": {"epochs": 10}}
FIGURES: ev.Figures = {"loss": 110.0, "elbo": -110.0, "distortion": 90.0, "rate": 20.0}


def started(time: float = 0.0, step: int = 0, **fields: object) -> ev.RunStarted:
    return ev.RunStarted(**{"time": time, "step": step, "pid": 1, "version": "0", "recipe": RECIPE, **fields})  # type: ignore[arg-type]


def ready(time: float = 1.0, step: int = 0, notes: tuple[str, ...] = ()) -> ev.TrainingStarted:
    return training_started(time=time, step=step, notes=notes)


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


def history_of(*events: ev.Event) -> History:
    history = History()
    for event in events:
        history.add(event)
    return history


def test_figures_become_series_against_steps() -> None:
    history = history_of(started(), ready(), stepped(1.1, 1), stepped(1.2, 2), completed(1.3, 10, elbo=-105.0))
    assert history.train["negative_elbo"].points() == [(1, 110.0), (2, 110.0)]
    assert history.train["rate"].points() == [(1, 20.0), (2, 20.0)]
    assert history.validation["negative_elbo"].points() == [(10, 105.0)]


def test_series_can_be_read_against_epochs_and_seconds_of_training() -> None:
    history = history_of(started(time=100.0), ready(time=105.0), stepped(106.0, 5), stepped(107.0, 10))
    series = history.train["loss"]
    assert series.points(Along("epoch", history.steps_per_epoch)) == [(0.5, 110.0), (1.0, 110.0)]
    assert series.points(Along("time")) == [(1.0, 110.0), (2.0, 110.0)]


def test_a_figure_that_is_not_finite_leaves_a_gap() -> None:
    history = history_of(
        started(), ready(), stepped(1.1, 1), stepped(1.2, 2, {**FIGURES, "elbo": None}), stepped(1.3, 3)
    )
    assert list(history.train["negative_elbo"].steps) == [1, 3]
    assert [x for x, _ in history.train["rate"].points()] == [1, 2, 3]


def test_the_phases_of_a_run() -> None:
    history = History()
    assert history.phase == "starting"
    for event, phase in (
        (started(), "starting"),
        (ready(), "training"),
        (ev.CommandDone(time=2.0, step=1, command="pause", message="paused"), "paused"),
        (ev.CommandDone(time=3.0, step=1, command="unpause", message="training goes on"), "training"),
        (ev.RunFinished(time=4.0, step=2, status="failed", reason="NaN", epoch=0), "failed"),
        (started(time=5.0, resumed_from=0), "starting"),
    ):
        history.add(event)
        assert history.phase == phase


def test_stages_carry_their_progress_and_duration() -> None:
    history = history_of(
        started(),
        ev.StageProgressed(time=1.0, step=0, stage="importing torch"),
        ev.StageProgressed(time=3.0, step=0, stage="decoding images", done=0, total=10),
        ev.StageProgressed(time=4.0, step=0, stage="decoding images", done=5, total=10),
    )
    first, second = history.stages
    assert (first.name, first.began, first.updated) == ("importing torch", 1.0, 3.0)
    assert (second.done, second.total, second.began, second.updated) == (5, 10, 3.0, 4.0)


def test_best_is_the_lowest_validation_loss() -> None:
    history = history_of(
        started(), ready(), completed(2, 10, -120.0), completed(3, 20, -101.0), completed(4, 30, -103.0)
    )
    assert history.best is not None
    assert (history.best.step, history.best.negative_elbo) == (20, 101.0)


def test_active_dimensions_carry_more_than_a_hundredth_of_a_nat() -> None:
    history = history_of(started(), ready(), completed(2, 10, rates=[0.5, 0.011, 0.009, None]))
    assert history.now.active_dimensions == 2
    assert len(history.now.rate_per_dimension) == 4


def test_the_latest_pictures_and_checkpoints() -> None:
    history = history_of(
        started(), ready(), drawn(1), drawn(1, "reconstructions"), drawn(5), saved(3, best=True), saved(5, best=False)
    )
    now, best = history.now, history.best_saved
    assert now.checkpoint is not None
    assert best is not None
    assert (now.images["samples"].step, now.checkpoint.step, best.step) == (5, 5, 3)
    assert "manifold" not in now.images


def test_a_resumed_run_forgets_what_its_log_has_of_later_steps() -> None:
    before = [started(), ready()]
    for step in range(1, 26):
        before.append(stepped(1 + step, step))
        if step % 10 == 0:
            before += [completed(1 + step, step, -130.0 + step), drawn(step), saved(step, best=True)]
    history = history_of(*before, started(time=100.0, step=10, resumed_from=10))
    assert history.step == 10
    assert history.train["loss"].points()[-1][0] == 10
    assert history.validation["negative_elbo"].points() == [(10, 120.0)]
    assert history.best is not None
    assert history.best.step == 10
    now, best = history.now, history.best_saved
    assert now.checkpoint is not None
    assert best is not None
    assert {now.step, now.images["samples"].step, now.checkpoint.step, best.step} == {10}
    assert now.validation["negative_elbo"] == 120.0
    assert now.rate_per_dimension == pytest.approx((1.0, 0.001))


def test_time_between_two_trainers_is_no_training_time() -> None:
    history = history_of(
        started(), ready(0.0), stepped(4.0, 10), stepped(6.0, 12), started(time=500.0, step=10, resumed_from=10)
    )
    history.add(ready(510.0, 10))
    history.add(stepped(512.0, 15))
    assert history.seconds == 6.0
    assert history.train["loss"].points(Along("time")) == [(4.0, 110.0), (6.0, 110.0)]


def test_a_run_started_over_begins_from_nothing() -> None:
    history = history_of(started(), ready(), stepped(2.0, 5), started(time=10.0))
    assert len(history.train["loss"]) == 0
    assert history.step == 0


def test_the_time_left_comes_from_the_epochs_and_the_pace() -> None:
    history = history_of(started(), ready(0.0), *(stepped(float(second), 2 * second) for second in range(1, 21)))
    assert history.eta_seconds == pytest.approx((100 - 40) / 2)


def test_nobody_guesses_the_time_left_before_there_is_a_pace() -> None:
    assert history_of(started()).eta_seconds is None
    assert history_of(started(), ready(), stepped(2.0, 1)).eta_seconds is None


def test_the_time_left_is_bounded_by_the_time_training_may_take() -> None:
    recipe = {"train": {"epochs": 1000, "max_seconds": 30.0}}
    history = history_of(started(recipe=recipe), ready(0.0), stepped(5.0, 5), stepped(10.0, 10))
    assert history.eta_seconds == pytest.approx(20.0)
    only_seconds = dataclasses.replace(started(), recipe={"train": {"max_seconds": 30.0}})
    assert history_of(only_seconds, ready(0.0), stepped(10.0, 10)).eta_seconds == pytest.approx(20.0)


def test_a_pause_and_a_resumed_run_do_not_spoil_the_pace() -> None:
    history = history_of(started(), ready(0.0), stepped(5.0, 10), stepped(10.0, 20))
    history.add(ev.CommandDone(time=10.0, step=20, command="pause", message=""))
    history.add(ev.CommandDone(time=5000.0, step=20, command="unpause", message=""))
    history.add(stepped(5005.0, 30))
    assert history.eta_seconds == pytest.approx(35.0)
    history.add(started(time=9000.0, step=20, resumed_from=20))
    history.add(ready(9100.0, 20))
    assert history.eta_seconds is None
    history.add(stepped(9101.0, 24))
    history.add(stepped(9102.0, 28))
    assert history.eta_seconds == pytest.approx(72 / 4)


def test_a_finished_run_has_no_time_left() -> None:
    history = history_of(started(), ready(0.0), stepped(5.0, 10), stepped(10.0, 20))
    history.add(ev.RunFinished(time=11.0, step=20, status="stopped", reason="asked to", epoch=2))
    assert history.eta_seconds is None


def test_messages_are_notes_and_answers_to_commands_and_no_checkpoints() -> None:
    ready_with_notes = dataclasses.replace(ready(notes=("not compiled",)), data_notes=("3 files were skipped",))
    history = history_of(started(), ready_with_notes, saved(10, best=True))
    history.add(ev.CommandDone(time=2.0, step=1, command="save", message="saved at step 1"))
    texts = [note.text for note in history.messages]
    assert texts == [
        "3 files were skipped",
        "not compiled",
        "saved at step 1",
    ]
    assert history.notes == ("3 files were skipped", "not compiled")
    assert history.data_notes == ("3 files were skipped",)


def ten_epochs() -> History:
    """Ten epochs of ten steps: -ELBO falls by 1 an epoch, each draws and saves, the best is epoch 7."""
    events: list[ev.Event] = [started(), ready(0.0)]
    for step in range(1, 101):
        figures: ev.Figures = {"loss": 200.0 - step, "elbo": step - 200.0, "distortion": 150.0 - step, "rate": 50.0}
        events.append(stepped(float(step), step, figures))
        if step % 10 == 0:
            elbo = -100.0 - abs(step - 70)
            events += [completed(float(step), step, elbo, rates=[step / 100, 0.0]), drawn(step)]
            events.append(saved(step, best=step <= 70))
    return history_of(*events)


def test_a_moment_is_what_the_run_was_at_that_step() -> None:
    moment = ten_epochs().at(35)
    assert (moment.step, moment.epoch, moment.seconds) == (35, 4, 35.0)
    assert (moment.train["loss"], moment.train["negative_elbo"], moment.train["beta"]) == (165.0, 165.0, 1.0)
    assert moment.validation["negative_elbo"] == 140.0
    assert moment.rate_per_dimension == pytest.approx((0.3, 0.0))
    assert moment.images["samples"].step == 30
    assert moment.checkpoint == saved(30, best=True)
    assert moment.best is not None
    assert (moment.best.step, moment.best.loss) == (30, 140.0)


def test_the_first_epoch_is_remembered_as_well_as_the_last_of_a_thousand() -> None:
    history = history_of(started(), ready(0.0))
    for epoch in range(1, 1001):
        history.add(stepped(float(epoch), 10 * epoch))
        history.add(completed(float(epoch), 10 * epoch, -float(epoch), rates=[epoch / 1000]))
        history.add(drawn(10 * epoch))
    first = history.at(10)
    assert (first.validation["negative_elbo"], first.images["samples"].step) == (1.0, 10)
    assert first.rate_per_dimension == pytest.approx((0.001,))


def test_before_the_first_report_a_moment_is_empty() -> None:
    moment = history_of(started(), ready(0.0)).at(0)
    assert (moment.train, moment.validation, moment.images, moment.checkpoint, moment.best) == ({}, {}, {}, None, None)


def test_now_is_the_moment_of_the_last_step_and_nothing_comes_after_it() -> None:
    history = ten_epochs()
    assert history.now == history.at(100) == history.at(5000)


def test_the_best_is_by_loss_the_first_of_equals_and_known_with_its_elbo() -> None:
    history = history_of(started(), dataclasses.replace(ready(0.0), loss="distortion"))
    for step, loss, elbo in ((10, 90.0, -200.0), (20, 80.0, -300.0), (30, 80.0, -250.0), (40, 85.0, -100.0)):
        validation: ev.Figures = {"loss": loss, "elbo": elbo, "distortion": loss, "rate": 1.0}
        history.add(dataclasses.replace(completed(float(step), step), validation=validation))
    assert history.best is not None
    assert (history.best.step, history.best.loss, history.best.negative_elbo) == (20, 80.0, 300.0)
    history.add(saved(20, best=True))


def test_the_best_begins_anew_with_another_objective_and_is_what_it_was_before_it() -> None:
    history = history_of(
        started(), ready(0.0), completed(1.0, 10, -100.0), saved(10, best=True), completed(2.0, 20, -90.0)
    )
    history.add(started(time=3.0, step=20, resumed_from=20, objective_since=20))
    assert history.best is None
    assert history.best_saved is None
    history.add(completed(4.0, 30, -500.0))
    history.add(saved(30, best=True))
    now, kept = history.now.best, history.best_saved
    assert now is not None
    assert kept is not None
    assert (now.step, kept.step) == (30, 30)
    earlier = history.at(15).best
    assert earlier is not None
    assert earlier.step == 10
    history.add(started(time=5.0, step=30, resumed_from=30, objective_since=20))
    assert history.best is not None
    assert history.best.step == 30
    history.add(started(time=6.0, step=20, resumed_from=20))
    assert history.best is not None
    assert history.best.step == 20, "gone on from before the change, and without it"


def test_a_run_without_validation_has_no_best() -> None:
    history = history_of(started(), ready(0.0), dataclasses.replace(completed(1.0, 10), validation=None))
    assert history.best is None
    assert history.now.validation == {}
    assert history.now.rate_per_dimension == (1.0, 0.001)
