"""Several runs over each other: their curves, their means, the plane of rate and distortion, and the screen with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_trainer import FakeTrainer
from shown import Shown

from vae_tui.runs.groups import group_seeds
from vae_tui.runs.history import History
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.runs.log import read_events
from vae_tui.runs.summary import summarize
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.chart_spec import ChartSpec
from vae_tui.tui.look import Look, step_at
from vae_tui.tui.overlay import (
    OverlaidGroup,
    OverlaidRun,
    iso_labels,
    mean_and_band,
    overlay,
    specify_multiple,
    specify_overlay,
    specify_plane,
    value_at_cursor,
)
from vae_tui.tui.screens.overlay import OverlayScreen
from vae_tui.tui.widgets.chart import Chart

LOOK = Look(smoothing=0)


def make(folder: Path, name: str, epochs: int, **settings: Any) -> Run:
    trainer = FakeTrainer(Run.create(folder, name, "", exact=True))
    trainer.random = np.random.default_rng(len(name) + epochs)
    trainer.start(**settings)
    trainer.begin()
    for _ in range(epochs):
        trainer.train_epoch()
    trainer.finish("completed")
    return trainer.run


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    """Two seeds of one recipe, and a shorter run of another."""
    return [
        make(tmp_path, "a-s0", 4, seed=0),
        make(tmp_path, "a-s1", 5, seed=1),
        make(tmp_path, "b", 3, batch_size=50),
    ]


def history_of(run: Run) -> History:
    history = History()
    for event in read_events(run.events_path):
        history.add(event)
    return history


@pytest.fixture
def overlaid(runs: list[Run]) -> list[OverlaidRun]:
    return overlay([run.name for run in runs], [history_of(run) for run in runs])


def alone(runs: list[OverlaidRun]) -> list[OverlaidGroup]:
    return [OverlaidGroup(run.name, (run,)) for run in runs]


def test_each_run_has_a_letter_and_a_color_of_its_own(overlaid: list[OverlaidRun]) -> None:
    assert [run.letter for run in overlaid] == ["A", "B", "C"]
    assert len({run.color for run in overlaid}) == 3


def test_a_curve_is_a_run_s_validation_and_its_letter_stands_at_its_end(overlaid: list[OverlaidRun]) -> None:
    spec = specify_overlay(alone(overlaid), "negative_elbo", LOOK, None, 60)
    assert spec is not None
    for run in overlaid:
        (curve,) = [one for one in spec.curves if one.color == run.color]
        assert curve.points == run.history.validation["negative_elbo"].points()
        assert curve.sign == run.letter
        assert curve.signed_at[-1] == curve.points[-1]
    assert spec.across == (0.0, 600.0)


def test_the_end_of_every_run_is_within_the_chart(overlaid: list[OverlaidRun]) -> None:
    spec = specify_overlay(alone(overlaid), "distortion", LOOK, None, 60)
    assert spec is not None
    for run in overlaid:
        low, high = spec.left
        assert low <= run.history.validation["distortion"].values[-1] <= high


def test_seeds_are_drawn_as_their_mean_between_the_least_and_the_greatest(overlaid: list[OverlaidRun]) -> None:
    a, b, other = overlaid
    spec = specify_overlay([OverlaidGroup("a", (a, b)), OverlaidGroup("b", (other,))], "rate", LOOK, None, 60)
    assert spec is not None
    low, high, mean = (one for one in spec.curves if one.color == a.color and one.marker is None)
    assert low.faint
    assert high.faint
    for (_, least), (_, middle), (_, greatest) in zip(low.points, mean.points, high.points, strict=True):
        assert least <= middle <= greatest
    assert not [one for one in spec.curves if one.color == b.color]


def test_a_mean_is_of_what_every_curve_is_between_its_points() -> None:
    mean, low, high = mean_and_band([[(0.0, 0.0), (10.0, 10.0)], [(0.0, 2.0), (10.0, 12.0)]], 3)
    assert mean == [(0.0, 1.0), (5.0, 6.0), (10.0, 11.0)]
    assert [y for _, y in low] == [0.0, 5.0, 10.0]
    assert [y for _, y in high] == [2.0, 7.0, 12.0]


def test_a_band_ends_where_only_one_run_goes_on() -> None:
    mean, _, _ = mean_and_band([[(0.0, 0.0), (10.0, 10.0)], [(0.0, 0.0), (40.0, 40.0)]], 5)
    assert mean[-1] == (10.0, 10.0)


def test_a_point_of_the_plane_is_rate_and_distortion_and_their_sum_is_the_elbo(overlaid: list[OverlaidRun]) -> None:
    spec = specify_plane(alone(overlaid), LOOK, None, 60)
    assert spec is not None
    for run in overlaid:
        (end,) = [one.signed_at for one in spec.curves if one.color == run.color]
        rate, distortion = end[0]
        assert rate + distortion == pytest.approx(run.history.validation["negative_elbo"].values[-1])


def test_lines_of_equal_elbo_are_at_round_numbers(overlaid: list[OverlaidRun]) -> None:
    spec = specify_plane(alone(overlaid), LOOK, None, 60)
    assert spec is not None
    lines = [one.points for one in spec.curves if one.color == "line"]
    assert lines
    for (x0, y0), (x1, y1) in lines:
        assert x0 + y0 == pytest.approx(x1 + y1)
    assert all(float(label) % 0.5 == 0 for label in iso_labels(spec).split())


def test_a_path_ends_at_the_cursor(overlaid: list[OverlaidRun]) -> None:
    whole, cut = (specify_plane(alone(overlaid[:1]), LOOK, at, 60) for at in (None, 250.0))
    assert isinstance(whole, ChartSpec)
    assert isinstance(cut, ChartSpec)
    assert len(points(cut, overlaid[0])) < len(points(whole, overlaid[0]))


def points(spec: ChartSpec, run: OverlaidRun) -> Any:
    return next(one.points for one in spec.curves if one.color == run.color and one.marker is None)


def test_a_place_along_an_axis_is_a_step_of_each_run(overlaid: list[OverlaidRun]) -> None:
    history = overlaid[0].history
    assert step_at(history, 240.0, "step") == 240
    assert step_at(history, 2.0, "epoch") == 240
    assert step_at(history, 0.0, "time") == 0
    assert step_at(history, history.seconds, "time") == 480


def test_runs_without_a_figure_are_left_out() -> None:
    empty = overlay(["x"], [History()])
    assert specify_overlay(alone(empty), "rate", LOOK, None, 60) is None
    assert specify_plane(alone(empty), LOOK, None, 60) is None


def test_small_multiples_have_the_axes_of_the_whole(overlaid: list[OverlaidRun]) -> None:
    groups = [OverlaidGroup("a", tuple(overlaid[:2])), OverlaidGroup("b", (overlaid[2],))]
    whole = specify_overlay(groups, "rate", LOOK, None, 60)
    assert whole is not None
    specs = [specify_multiple(group, groups, whole, "rate", LOOK, None, 60) for group in groups]
    assert [(spec.across, spec.left) for spec in specs if spec] == [(whole.across, whole.left)] * 2
    assert [{curve.color for curve in spec.curves} for spec in specs if spec] == [
        {overlaid[0].color},
        {overlaid[2].color},
    ]


@pytest.mark.parametrize("log", [False, True])
def test_the_value_of_a_small_chart_is_that_at_the_cursor_or_the_last(overlaid: list[OverlaidRun], log: bool) -> None:
    groups, look = alone(overlaid[2:]), Look(smoothing=0, log=log)
    rates = overlaid[2].history.validation["rate"]
    for at, expected in ((None, rates.values[-1]), (float(rates.steps[1]), rates.values[1])):
        whole = specify_overlay(groups, "rate", look, at, 60)
        assert whole is not None
        spec = specify_multiple(groups[0], groups, whole, "rate", look, at, 60)
        assert spec is not None
        assert value_at_cursor(spec) == pytest.approx(expected)


async def show(runs: list[Run], size: tuple[int, int], keys: tuple[str, ...] = (), **given: Any) -> str:
    app = VaeTuiApp(OverlayScreen([summarize(run) for run in runs]), **given)
    async with app.run_test(size=size) as pilot:
        shown = Shown(app, pilot)
        await shown.settle()
        await shown.press(*keys)
        await shown.settle()
        return shown.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_curves_and_table_are_seen_at_every_size(runs: list[Run], size: tuple[int, int]) -> None:
    text = await show(runs, size)
    assert "−ELBO" in text
    assert all(run.name in text for run in runs)
    assert "? help" in text
    assert "batch_size" in text or size[0] == 80


async def test_a_small_terminal_has_one_chart_with_the_names_below_it(runs: list[Run]) -> None:
    text = await show(runs, (40, 12))
    assert "A a-s   C b" in text
    assert "┤" in text
    assert "the first 2 of 3 runs " in await show(runs, (40, 12), ("3",))
    assert "1 more; ↑ ↓ show them" in await show(runs, (40, 12), ("6",))
    assert "small multiples" in await show(runs, (30, 4), ("6",))


async def test_as_many_runs_have_pictures_as_there_is_room_for(tmp_path: Path) -> None:
    many = [make(tmp_path, f"run-{index}", 2) for index in range(7)]
    text = await show(many, (80, 24), ("3",))
    assert "the first 2 of 7 runs; a larger window shows more" in text
    assert "▀" in text
    assert "B run-1" in text
    assert "C run-2 ─" not in text
    assert "of 7 runs" not in await show(many, (120, 40), ("3",))


async def test_pictures_and_kl_stand_side_by_side(runs: list[Run]) -> None:
    text = await show(runs, (160, 50), ("3",))
    assert all(f"{letter} {run.name}" in text for letter, run in zip("ABC", runs, strict=True))
    assert "▀" in text
    assert "z19" in await show(runs, (160, 50), ("5",))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_small_multiples_are_a_chart_a_recipe_with_its_figure_now(runs: list[Run], size: tuple[int, int]) -> None:
    text = await show(runs, size, ("6",))
    ends = [history_of(run).validation["negative_elbo"].values[-1] for run in runs]
    assert "small multiples of −ELBO" in text
    assert "A a-s ─" in text
    assert "C b ─" in text
    assert f" {ends[2]:.2f} " in text
    text = await show(runs, size, ("6", "b", "f"))
    assert "small multiples of distortion" in text
    assert all(f"{letter} {run.name} ─" in text for letter, run in zip("ABC", runs, strict=True))


async def test_small_charts_that_do_not_fit_are_scrolled_to(tmp_path: Path) -> None:
    many = [make(tmp_path, f"run-{index}", 2, batch_size=10 + index) for index in range(12)]
    text = await show(many, (80, 24), ("6",))
    assert "8 more; ↑ ↓ show them" in text
    assert "run-0 ─" in text
    text = await show(many, (80, 24), ("6", *("down",) * 9))
    assert "run-11 ─" in text
    assert "run-0 ─" not in text
    assert "more;" not in await show(many, (200, 60), ("6",))


def test_settings_of_a_sweep_are_called_by_what_they_differ_in(tmp_path: Path) -> None:
    made = [
        make(tmp_path, f"mine-latent_dim={z},seed={seed}", 1, sweep="mine", seed=seed, batch_size=z)
        for z in (10, 20)
        for seed in (0, 1)
    ]
    groups = group_seeds([summarize(run) for run in made])
    assert [group.name for group in groups] == ["mine-latent_dim=10", "mine-latent_dim=20"]
    alone = group_seeds([summarize(make(tmp_path, "mine-seed=3,latent_dim=5", 1, sweep="mine", seed=3))])
    assert [group.name for group in alone] == ["mine-latent_dim=5"]


async def test_the_cursor_takes_all_figures_to_its_moment(runs: list[Run]) -> None:
    before = history_of(runs[0]).at(300).validation["negative_elbo"]
    text = await show(runs, (120, 40), ("left",) * 50)
    assert "as they were at step 300" in text
    assert f"{before:.2f}" in text
    assert f"{before:.2f}" not in await show(runs, (120, 40), ("left",) * 50 + ("escape",))


async def test_without_colors_letters_tell_the_runs_apart(runs: list[Run]) -> None:
    app = VaeTuiApp(OverlayScreen([summarize(run) for run in runs]), images="ascii")
    async with app.run_test(size=(120, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.settle()
        await shown.press("b")
        await shown.settle()
        chart = app.screen.query_one("#overlay-rate", Chart)
        drawn = "".join(strip.text for strip in (chart.render_line(y) for y in range(chart.size.height)))
        assert {"A", "B", "C"} <= set(drawn)


async def test_a_run_that_is_trained_is_followed_and_names_are_no_markup(tmp_path: Path) -> None:
    trainer = FakeTrainer(Run.create(tmp_path, "a[red]", "", exact=True))
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    other = make(tmp_path, "b", 2)
    acquire_lock(trainer.run.path)
    app = VaeTuiApp(OverlayScreen([summarize(trainer.run), summarize(other)]))
    async with app.run_test(size=(120, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.settle()
        await shown.press("3")
        await shown.sees("A a[red]")
        for _ in range(3):
            trainer.train_epoch()
        loss = history_of(trainer.run).validation["negative_elbo"].values[-1]
        await shown.sees(f"{loss:.2f}")
    release_lock(trainer.run.path)


async def test_rows_that_do_not_fit_are_scrolled_to(tmp_path: Path) -> None:
    many = [make(tmp_path, f"run-{index}", 2) for index in range(12)]
    text = await show(many, (80, 24))
    assert "run-0" in text
    assert "1 to 6 of 12" in text
    text = await show(many, (80, 24), ("down",) * 40)
    assert "run-11" in text
    assert "7 to 12 of 12" in text
    assert "run-0 " not in text


async def test_seeds_in_a_band_have_its_letter_in_the_table(runs: list[Run]) -> None:
    def letters(text: str) -> list[str]:
        words = [line.split() for line in text.splitlines()]
        return [line[0] for line in words if len(line) > 1 and line[1] in {run.name for run in runs}]

    assert letters(await show(runs, (120, 40))) == ["A", "A", "C"]
    assert letters(await show(runs, (120, 40), ("b",))) == ["A", "B", "C"]


@pytest.mark.parametrize("key", ["b", "x", "y", "m", "d", "f", "tab", "home", "end", "2"])
async def test_every_key_leaves_the_runs_on_the_screen(runs: list[Run], key: str) -> None:
    text = await show(runs, (120, 40), (key,))
    assert all(run.name in text for run in runs)
