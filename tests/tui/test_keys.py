"""Each key: what is pressed, and what is then dropped into the run or seen on the screen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.events import MouseScrollUp
from textual.widgets import Input, OptionList

from vae_tui.runs.layout import Run
from vae_tui.tui.look import stretch_of
from vae_tui.tui.screens.choice import ChoiceScreen
from vae_tui.tui.screens.help import HelpScreen
from vae_tui.tui.widgets.chart import Chart


def sent(run: Run) -> list[str]:
    return [json.loads(path.read_bytes())["command"] for path in sorted(run.commands_path.glob("*.json"))]


@pytest.fixture
def training(trainer: Any, live_run: Run) -> Any:
    """A trainer in the middle of its third epoch, whose run is held."""
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    trainer.train_epoch(steps=60)
    return trainer


async def test_space_pauses_and_the_screen_waits_for_the_answer(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("space")
        assert sent(run) == ["pause"]
        assert "pausing…" in shown.lines[0]
        await shown.press("space")
        assert sent(run) == ["pause"], "a second pause before the first is answered"
        assert training.answer("paused at step 300") == "pause"
        await shown.sees("‖ paused")
        assert "paused at step 300" in shown.text
        assert "space resume" in shown.lines[-1]
        await shown.press("space")
        assert sent(run) == ["unpause"]
        training.answer()
        await shown.sees("● training")


async def test_a_setting_is_changed_by_a_prompt_and_marked_where_it_was(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("c")
        assert "objective.beta=1.0" in shown.text
        assert "optimizer.lr=0.001" in shown.text
        assert "objective.capacity" not in shown.text, "that is of another objective"
        await shown.press(*"beta", "equals_sign", "x", "enter")
        assert "beta: expected a number, got 'x'" in shown.text
        await shown.press("backspace", "4", "enter")
        (path,) = run.commands_path.glob("*.json")
        assert json.loads(path.read_bytes()) == {"command": "set", "key": "objective.beta", "value": 4}
        assert "changing a setting…" in shown.text
        assert training.answer("from step 300 on objective.beta = 4.0", loss="distortion + 4 rate") == "set"
        await shown.sees("beta 4")
        await shown.sees("▲ changed")
        assert "from step 300 on objective.beta = 4.0" in shown.text


async def test_several_settings_are_changed_at_once_and_none_where_one_is_wrong(
    training: Any, run: Run, show: Any
) -> None:
    async with show(run) as shown:
        await shown.press("c")
        await shown.type("beta=-4 lr=3e-4")
        await shown.press("enter")
        await shown.sees("[objective] beta: expected at least 0, got -4")
        assert not list(run.commands_path.glob("*.json"))
        await shown.press("ctrl+u")
        await shown.type("beta = 4 lr=3e-4")
        await shown.press("enter")
        asked = sorted(json.loads(path.read_bytes())["key"] for path in run.commands_path.glob("*.json"))
        assert asked == ["objective.beta", "optimizer.lr"]


async def test_a_run_nobody_trains_is_not_changed(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("completed")
    async with show(run) as shown:
        await shown.press("c")
        assert "nobody trains this run" in shown.text


@pytest.mark.parametrize(("key", "command", "word"), [("s", "save", "saving…"), ("g", "sample", "sampling…")])
async def test_commands_are_dropped_into_the_run(
    training: Any, run: Run, show: Any, key: str, command: str, word: str
) -> None:
    async with show(run) as shown:
        await shown.press(key)
        assert sent(run) == [command]
        assert word in shown.text
        assert training.answer("that is done") == command
        await shown.sees("that is done")
        assert word not in shown.text


async def test_nothing_is_sent_to_a_trainer_that_still_starts(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    async with show(live_run) as shown:
        await shown.press("s")
        assert sent(live_run) == []
        assert "still starting" in shown.text


@pytest.mark.slow
async def test_nothing_is_sent_where_no_trainer_is(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("completed")
    async with show(run) as shown:
        await shown.press("space")
        assert sent(run) == []
        assert "nothing to steer" in shown.text


async def test_d_leaves_the_trainer_running(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("d")
    assert shown.app.return_value == "detached"
    assert sent(run) == []


@pytest.mark.slow
@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_leaving_a_live_run_asks_first(training: Any, run: Run, show: Any, key: str) -> None:
    async with show(run) as shown:
        await shown.press(key)
        assert isinstance(shown.app.screen, ChoiceScreen)
        await shown.press("escape")
        assert not isinstance(shown.app.screen, ChoiceScreen)
        assert shown.app.is_running
        assert sent(run) == []


async def test_the_question_says_what_to_type_to_come_back(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("q")
        choices = shown.app.screen.query_one(OptionList)
        assert f"vae-tui watch {run.path}" in str(choices.get_option("leave running").prompt)


@pytest.mark.slow
@pytest.mark.parametrize("keys", [("l",), ("d",), ("enter",)])
async def test_the_question_lets_the_trainer_run(training: Any, run: Run, show: Any, keys: tuple[str, ...]) -> None:
    async with show(run) as shown:
        await shown.press("q", *keys)
    assert shown.app.return_value == "detached"
    assert sent(run) == []


@pytest.mark.slow
@pytest.mark.parametrize("keys", [("s",), ("down", "enter")])
async def test_the_question_stops_the_trainer_and_waits_for_it(
    training: Any, run: Run, show: Any, keys: tuple[str, ...]
) -> None:
    async with show(run) as shown:
        await shown.press("q", *keys)
        assert sent(run) == ["stop"]
        assert "stopping…: a checkpoint is saved first" in shown.text
        training.answer("stop")
        training.finish("stopped", "asked to stop")
        await shown.until(lambda: not shown.app.is_running)
    assert shown.app.return_value == "stopped"


async def test_a_stop_that_a_starting_trainer_missed_is_sent_again(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    async with show(live_run) as shown:
        await shown.press("q", "s")
        assert sent(live_run) == ["stop"]
        trainer.begin()
        await shown.until(lambda: len(sent(live_run)) > 1)
        assert sent(live_run) == ["stop", "stop"]


async def test_leaving_a_run_that_is_over_asks_nothing(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.finish("completed")
    async with show(run) as shown:
        await shown.press("q")
    assert shown.app.return_value == "finished"


async def test_x_goes_through_steps_epochs_and_time(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        for axis in ("step", "epoch", "time", "clock", "step"):
            assert f"x: {axis}" in shown.text
            await shown.press("x")


async def test_a_figure_that_is_chosen_is_the_horizontal_axis(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("o")
        await shown.sees("horizontal axis")
        await shown.press("1")
        await shown.sees("x: rate")
        await shown.press("x")
        await shown.sees("x: step")


async def test_the_horizontal_axis_can_be_logarithmic(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("X")
        await shown.sees("x: step log")
        await shown.press("X")
        assert "x: step " in shown.text
        assert "x: step log" not in shown.text


async def test_charts_are_zoomed_and_panned_and_escape_shows_the_whole(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("plus", "plus")
        last = shown.app.screen.histories[0].step
        assert f"x: step {0.75 * last:,.0f} to {last:,}" in shown.text
        await shown.press("less_than_sign")
        await shown.sees(f"to {0.875 * last:,.0f}")
        await shown.press("greater_than_sign", "minus")
        await shown.sees(f"x: step {0.5 * last:,.0f} to {last:,}")
        await shown.press("escape")
        assert " to " not in shown.text


async def test_the_wheel_zooms_at_the_pointer(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        chart = shown.app.screen.query_one("#elbo", Chart)
        x, y = chart.region.x + chart.region.width // 2, chart.region.y + 4
        event = MouseScrollUp(None, x, y, 0, 0, 0, False, False, False, screen_x=x, screen_y=y)
        shown.app.screen._forward_event(event)
        await shown.pilot.pause()
        stretch = stretch_of(shown.app.screen.look, shown.app.screen.histories)
        whole = shown.app.screen.histories[0].step
        assert stretch.high - stretch.low == pytest.approx(whole / 2)
        assert 0.15 * whole < stretch.low < 0.35 * whole


async def test_y_toggles_a_logarithmic_axis(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        assert "y: lin" in shown.text
        await shown.press("y")
        assert "y: log" in shown.text
        await shown.press("y")
        assert "y: lin" in shown.text


async def test_m_smooths_more_and_not_at_all(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        for smoothing in ("0.6", "0.9", "0.97", "0", "0.3", "0.6"):
            assert f"smooth {smoothing} " in shown.text
            await shown.press("m")


ALONE = ("−ELBO  nats", "samples", "distortion + rate", "KL per latent dimension", "reconstructions", "over the run")


async def test_tab_shows_each_pane_alone_where_all_are_seen(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        for title in ALONE:
            await shown.press("tab")
            assert title in shown.text
            assert shown.text.count("╭─") == 1
        await shown.press("tab")
        await shown.sees("learning rate")
        await shown.sees("images/s")
        await shown.press("tab")
        assert shown.text.count("╭─") == 5
        await shown.press("shift+tab")
        await shown.sees("learning rate")


async def test_tab_goes_through_the_second_pane_where_room_is_short_and_then_through_each(
    training: Any, run: Run, show: Any
) -> None:
    async with show(run, (80, 24)) as shown:
        for title in ("samples", "reconstructions", "distortion + rate", "KL per latent dimension"):
            assert title in shown.lines[1]
            assert "−ELBO" in shown.lines[1]
            await shown.press("tab")
        for title in ALONE:
            assert title in shown.lines[1]
            assert shown.text.count("╭─") == 1
            await shown.press("tab")
        await shown.sees("learning rate")


async def test_on_a_tiny_screen_one_pane_is_readable(training: Any, run: Run, show: Any) -> None:
    async with show(run, (44, 14)) as shown:
        assert shown.text.count("╭─") == 1
        await shown.press("tab")
        await shown.sees("samples")
        assert shown.text.count("╭─") == 1


async def test_rates_over_the_run_are_a_heatmap_with_the_greatest_first(training: Any, run: Run, show: Any) -> None:
    async with show(run, images="ascii") as shown:
        for _ in range(6):
            await shown.press("tab")
        await shown.settle()
        rows = [row.split() for line in shown.lines if (row := line.strip("|│ ")).startswith("z")]
        figures = [float(row[-1]) for row in rows]
        assert len(figures) == 20
        assert figures == sorted(figures, reverse=True)
        assert "@" in "".join(shown.lines)


async def test_help_opens_and_closes(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("question_mark")
        assert isinstance(shown.app.screen, HelpScreen)
        await shown.press("end")
        await shown.sees("Reading the charts")
        await shown.press("escape")
        assert not isinstance(shown.app.screen, HelpScreen)


@pytest.mark.slow
async def test_the_palette_offers_what_the_keys_do(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        await shown.press("ctrl+p")
        await shown.sees("Charts: back in time")
        await shown.press(*"save")
        await shown.sees("Run: save a checkpoint")
        await shown.until(lambda: "back in time" not in shown.text)
        await shown.press("enter")
        await shown.until(lambda: bool(sent(run)))
        assert sent(run) == ["save"]


@pytest.mark.parametrize(
    ("opening", "closing"), [("question_mark", "escape"), ("q", "escape"), ("5", "enter"), ("L", "q")]
)
async def test_a_key_that_closes_a_screen_closes_no_other_however_often_it_is_pressed(
    training: Any, run: Run, show: Any, opening: str, closing: str
) -> None:
    async with show(run) as shown:
        first = shown.app.screen
        await shown.press(opening)
        over = shown.app.screen
        assert over is not first
        if closing == "enter":
            typed = over.query_one(Input)
            for _ in range(4):
                over.on_input_submitted(Input.Submitted(typed, typed.value))
        for _ in range(4):
            over.dismiss(None)
        await shown.pilot.pause()
        assert shown.app.screen is first


async def test_keys_in_the_footer_are_clicked(training: Any, run: Run, show: Any) -> None:
    async with show(run) as shown:
        row = len(shown.lines) - 1
        await shown.pilot.click(offset=(shown.lines[row].index("s save"), row))
        await shown.until(lambda: sent(run) == ["save"])
        await shown.pilot.click(offset=(shown.lines[row].index("? help") + 2, row))
        await shown.until(lambda: isinstance(shown.app.screen, HelpScreen))
        await shown.press("escape")
        time = shown.lines[row].index("← → time")
        await shown.pilot.click(offset=(time, row))
        await shown.until(lambda: shown.app.screen.look.at is not None)
        at = shown.app.screen.look.at
        await shown.pilot.click(offset=(time + 2, row))
        await shown.until(lambda: shown.app.screen.look.at != at)
