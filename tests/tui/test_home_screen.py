"""The home screen: all runs of a folder, found, opened and kept in order by keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from fake_trainer import FakeTrainer
from shown import Shown

from vae_tui.runs.about import change_about, read_about
from vae_tui.runs.commands import Pause, claim_commands
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.screens.walk import WalkScreen
from vae_tui.tui.widgets.run_table import RunTable

ShowHome = Callable[..., AbstractAsyncContextManager[Shown]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four runs: two seeds of one recipe, one that failed and one that was stopped."""
    monkeypatch.chdir(tmp_path)
    for index, (name, settings, end) in enumerate(
        [
            ("fc20-s0", {"seed": 0}, ("completed", "")),
            ("fc20-s1", {"seed": 1}, ("completed", "")),
            ("broken", {"batch_size": 64}, ("failed", "the loss is not finite at step 240")),
            ("halted", {"epochs": 9}, ("stopped", "")),
        ]
    ):
        trainer = FakeTrainer(
            Run.create(tmp_path / "checkpoints", name, "", exact=True), began=1_767_225_600.0 + 100 * index
        )
        trainer.start(**settings)
        trainer.begin()
        trainer.train_epoch()
        trainer.train_epoch()
        status, reason = end
        trainer.finish(cast("Any", status), reason)
    (tmp_path / "checkpoints/broken/worker.log").write_text("Traceback\nNonFinite: loss\n")
    return tmp_path / "checkpoints"


@pytest.fixture
def show_home() -> ShowHome:
    @asynccontextmanager
    async def show(folder: Path, size: tuple[int, int] = (160, 40), **given: Any) -> AsyncIterator[Shown]:
        app = VaeTuiApp(HomeScreen(folder), **given)
        async with app.run_test(size=size) as pilot:
            shown = Shown(app, pilot)
            await shown.until(lambda: "reading runs" not in shown.text)
            await shown.settle()
            yield shown

    return show


@pytest.fixture
def live(folder: Path) -> Iterator[Run]:
    """A fifth run, held by this process as if it trained it."""
    run = Run.create(folder, "live", "", exact=True)
    trainer = FakeTrainer(run, began=1_767_300_000.0)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    acquire_lock(run.path)
    yield run
    release_lock(run.path)


def table(shown: Shown) -> RunTable:
    return shown.app.screen.query_one(RunTable)


def names(shown: Shown) -> list[str]:
    return [run.name for run in table(shown).runs_in_sight]


async def go_to(shown: Shown, name: str) -> None:
    table(shown).move_to_run(Path("checkpoints") / name)
    await shown.pilot.pause()


async def test_every_run_has_a_line_with_how_it_stands(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        assert sorted(names(shown)) == ["broken", "fc20-s0", "fc20-s1", "halted"]
        await shown.sees("✗ failed")
        await shown.sees("■ stopped")
        await shown.sees("4 runs")


async def test_the_run_under_the_cursor_is_previewed_and_a_failed_one_says_why(
    folder: Path, show_home: ShowHome
) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "broken")
        await shown.sees("the loss is not finite at step 240")
        await shown.sees("NonFinite: loss")
        await go_to(shown, "fc20-s0")
        await shown.sees("step 240")
        await shown.until(lambda: "NonFinite" not in shown.text)
        assert "NonFinite" not in shown.text


async def test_the_list_follows_what_is_typed_into_the_filter(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.press("slash")
        await shown.type("state:failed")
        assert names(shown) == ["broken"]
        await shown.press("ctrl+u")
        await shown.type("colour>3")
        await shown.sees("no run has 'colour'")
        await shown.press("escape")
        assert len(names(shown)) == 4
        await shown.press("slash")
        await shown.type("fc20")
        await shown.press("enter")
        assert sorted(names(shown)) == ["fc20-s0", "fc20-s1"]
        await shown.press("escape")
        assert len(names(shown)) == 4


async def test_a_filter_that_nothing_fits_leaves_no_run_in_sight(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder, (160, 50)) as shown:
        await go_to(shown, "fc20-s0")
        await shown.sees("step 240")
        await shown.press("slash")
        await shown.type("nothing")
        await shown.sees("0 of 4 runs")
        await shown.until(lambda: "step 240" not in shown.text)
        await shown.press("escape")
        await shown.sees("step 240")


async def test_runs_are_sorted_by_any_key_and_by_a_click_on_a_title(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.press("s")
        await shown.type("name")
        await shown.press("enter")
        assert names(shown) == ["broken", "fc20-s0", "fc20-s1", "halted"]
        await shown.press("S")
        assert names(shown) == ["halted", "fc20-s1", "fc20-s0", "broken"]
        titles = shown.lines[1]
        await shown.pilot.click(RunTable, offset=(titles.index("epoch"), 0))
        await shown.sees("by epoch")
        await shown.press("s")
        await shown.type("train.batch")
        await shown.press("tab", "enter")
        assert names(shown)[0] == "broken"


async def test_seeds_of_one_recipe_are_grouped(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.press("b")
        await shown.sees("fc20-s  (2)")
        for _ in range(6):
            await shown.press("up")
        first = table(shown).current
        await shown.press("down", "down", "down", "down", "down")
        assert table(shown).current != first


async def test_columns_are_chosen(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.press("C", "ctrl+u")
        await shown.type("name train.seed")
        await shown.press("enter")
        assert table(shown).shown_columns == ("name", "train.seed")


async def test_what_is_chosen_is_tagged_together(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "fc20-s0")
        await shown.press("space")
        await go_to(shown, "broken")
        await shown.press("space", "t")
        await shown.type("paper")
        await shown.press("enter")
        await shown.until(lambda: read_about(Run(folder / "broken")).tags == ("paper",))
        assert read_about(Run(folder / "fc20-s0")).tags == ("paper",)
        assert read_about(Run(folder / "halted")).tags == ()
        await shown.sees("2 runs done")


async def test_a_note_is_written_and_shown(folder: Path, show_home: ShowHome) -> None:
    change_about(Run(folder / "halted"), note="before")
    async with show_home(folder) as shown:
        await go_to(shown, "halted")
        await shown.sees("before")
        await shown.press("N", "ctrl+u")
        await shown.type("after")
        await shown.press("enter")
        await shown.until(lambda: read_about(Run(folder / "halted")).note == "after")
        await shown.sees("the note was written")


async def test_deleting_takes_the_name_and_nothing_else(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "broken")
        await shown.press("D")
        await shown.type("broke")
        await shown.press("enter")
        await shown.sees("nothing is deleted")
        assert (folder / "broken").is_dir()
        await shown.press("n", "enter")
        await shown.until(lambda: not (folder / "broken").exists())
        assert not (folder / "broken").exists()
        await shown.until(lambda: "broken" not in names(shown))
        assert len(names(shown)) == 3


async def test_a_live_run_is_neither_deleted_nor_renamed(folder: Path, live: Run, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "live")
        await shown.press("D")
        await shown.sees("live is trained: stop it first")
        await shown.press("R")
        await shown.sees("live is trained: stop it first")
        assert (folder / "live").is_dir()


async def test_a_run_is_renamed(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "halted")
        await shown.press("R", "ctrl+u")
        await shown.type("kept")
        await shown.press("enter")
        await shown.until(lambda: "kept" in names(shown))
        assert (folder / "kept").is_dir()
        assert not (folder / "halted").exists()


async def test_a_live_run_is_paused_by_its_trainer(folder: Path, live: Run, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "live")
        await shown.press("p")
        await shown.sees("pausing 1 run")
        await shown.until(lambda: any(live.commands_path.glob("*.json")))
        sent = next(claim_commands(live))
        assert sent.command == Pause()
        release_lock(live.path)
        await shown.sees("its trainer ended before it answered")
        acquire_lock(live.path)


async def test_a_run_is_opened_and_left_again(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await go_to(shown, "fc20-s1")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, TrainingScreen))
        await shown.settle()
        await shown.sees("✓ completed")
        await shown.press("q")
        await shown.until(lambda: isinstance(shown.app.screen, HomeScreen))
        current = table(shown).current
        assert current is not None
        assert current.name == "fc20-s1"


async def test_a_walk_is_begun_and_left_again(walked_run: Run, show_home: ShowHome) -> None:
    async with show_home(walked_run.path.parent) as shown:
        await shown.press("w")
        await shown.until(lambda: isinstance(shown.app.screen, WalkScreen))
        assert isinstance(shown.app.screen, WalkScreen)
        await shown.press("q")
        await shown.until(lambda: isinstance(shown.app.screen, HomeScreen))
        assert isinstance(shown.app.screen, HomeScreen)


async def test_a_run_without_weights_is_not_walked(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.press("w")
        await shown.sees("holds no checkpoint")
        assert isinstance(shown.app.screen, HomeScreen)


async def test_the_form_of_a_new_run_says_what_is_wrong_as_one_types(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.press("n")
        await shown.type("digits objective.bet=4")
        await shown.sees("did you mean")
        await shown.press("escape")
        assert isinstance(shown.app.screen, HomeScreen)


async def test_runs_that_come_and_change_are_seen(folder: Path, live: Run, show_home: ShowHome) -> None:
    async with show_home(folder) as shown:
        await shown.sees("5 runs, 1 live")
        FakeTrainer(Run.create(folder, "newcomer", "", exact=True)).start()
        await shown.until(lambda: "newcomer" in names(shown))
        assert "newcomer" in names(shown)


async def test_without_runs_it_says_what_to_do(tmp_path: Path, show_home: ShowHome) -> None:
    async with show_home(tmp_path / "none") as shown:
        await shown.sees("n trains one")
        await shown.press("enter", "p", "D", "t", "e", "space", "down", "a", "S", "b")
        await shown.press("q")
    assert shown.app.return_code == 0


async def test_a_folder_that_is_none_is_named(tmp_path: Path, show_home: ShowHome) -> None:
    (tmp_path / "file").write_text("")
    async with show_home(tmp_path / "file") as shown:
        await shown.sees("is no folder of runs")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)])
async def test_at_every_size_names_states_and_help_are_seen(
    folder: Path, show_home: ShowHome, size: tuple[int, int]
) -> None:
    async with show_home(folder, size) as shown:
        await shown.sees("fc20-s0")
        assert "? help" in shown.lines[-1]
        await go_to(shown, "halted")
        assert "halted" in shown.text


async def test_without_colors_the_cursor_and_what_is_chosen_are_seen(folder: Path, show_home: ShowHome) -> None:
    async with show_home(folder, images="ascii") as shown:
        await go_to(shown, "fc20-s0")
        await shown.press("space")
        await go_to(shown, "fc20-s0")
        assert ">*+ completed  fc20-s0" in shown.text
