"""The screen of a sweep: its settings, their means over seeds, the run under the cursor, and what is asked of all workers."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_trainer import FakeTrainer
from shown import Shown

from vae_tui.runs.layout import Run
from vae_tui.sweep.folder import Contents, Job, Sweep, make_sweep
from vae_tui.sweep.search import Search
from vae_tui.sweep.study import Study
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.home import HomeScreen
from vae_tui.tui.screens.overlay import OverlayScreen
from vae_tui.tui.screens.sweep import SweepScreen
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.widgets.pictures import Pictures

ShowSweep = Callable[..., AbstractAsyncContextManager[Shown]]


def train(sweep: Sweep, job: Job, *, worse_by: float = 0.0, end: str = "completed") -> None:
    trainer = FakeTrainer(Run.create(sweep.runs_dir, job.run, "", exact=True))
    trainer.random = np.random.default_rng(job.number)
    trainer.start(sweep=sweep.name, seed=job.values.get("train.seed", 0), epochs=2)
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    trainer.finish(end)  # type: ignore[arg-type]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    """Two betas by two seeds: three runs are completed, one of the second beta has failed, those of the third wait."""
    values = [{"objective.beta": beta, "train.seed": seed} for beta in (1, 4, 10) for seed in (0, 1)]
    jobs = tuple(
        Job(number, one, f"mine-beta={one['objective.beta']},seed={one['train.seed']}")
        for number, one in enumerate(values, start=1)
    )
    contents = Contents("fc20", {}, ("objective.beta", "train.seed"), jobs)
    made = make_sweep(tmp_path / "checkpoints", "mine", "", contents)
    for job in jobs[:4]:
        made.claims.claim([job.number])
        failed = job.number == 4
        train(made, job, end="failed" if failed else "completed")
        made.claims.end(job.number, 1, "failed" if failed else "completed", "the disk is full" if failed else "")
    return made


@pytest.fixture
def show_sweep(sweep: Sweep) -> ShowSweep:
    @asynccontextmanager
    async def show(size: tuple[int, int] = (120, 40), of: Sweep | None = None, **given: Any) -> AsyncIterator[Shown]:
        app = VaeTuiApp(SweepScreen(of or sweep), **given)
        async with app.run_test(size=size) as pilot:
            shown = Shown(app, pilot)
            await shown.sees("completed")
            await shown.settle()
            yield shown

    return show


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_it_shows_how_far_the_whole_is_and_the_means_over_seeds(
    show_sweep: ShowSweep, size: tuple[int, int]
) -> None:
    async with show_sweep(size) as shown:
        assert "mine   fc20   beta × seed   3 of 6 runs completed   2 waiting   1 failed" in shown.lines[0]
        of_beta_1 = next(line for line in shown.lines if line.strip().startswith("1 "))
        assert "✓✓" in of_beta_1
        assert " ± " in of_beta_1
        assert any(line.strip().startswith("4 ") and "✓✗" in line for line in shown.lines)
        assert any(line.strip().startswith("10 ") and "○○" in line for line in shown.lines)
        assert any("├" in line or "●" in line for line in shown.lines)


async def test_the_cursor_goes_over_settings_and_their_seeds(show_sweep: ShowSweep) -> None:
    async with show_sweep() as shown:
        await shown.sees("mine-beta=1,seed=0   completed   epoch 2")
        await shown.press("down", "right")
        await shown.sees("mine-beta=4,seed=1   failed   epoch 2   the disk is full")
        await shown.press("end")
        await shown.sees("mine-beta=10,seed=1   waiting")


async def test_a_run_that_is_trained_says_on_which_machine(show_sweep: ShowSweep, sweep: Sweep) -> None:
    sweep.claims.claim([5])
    async with show_sweep() as shown:
        await shown.press("end", "left")
        await shown.sees(f"mine-beta=10,seed=0   running   on {socket.gethostname()}")


async def test_the_figure_that_is_drawn_is_chosen(show_sweep: ShowSweep) -> None:
    async with show_sweep() as shown:
        assert shown.lines[1].count("-ELBO") == 2
        await shown.press("f")
        assert shown.lines[1].count("distortion") == 2


async def test_a_run_is_opened_and_left_again(show_sweep: ShowSweep) -> None:
    async with show_sweep() as shown:
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, TrainingScreen))
        assert isinstance(shown.app.screen, TrainingScreen)
        await shown.settle()
        await shown.press("q")
        await shown.until(lambda: isinstance(shown.app.screen, SweepScreen))
        await shown.press("end", "enter")
        await shown.sees("that run was not begun yet")


async def test_all_runs_are_drawn_over_each_other(show_sweep: ShowSweep) -> None:
    async with show_sweep() as shown:
        await shown.press("o")
        await shown.until(lambda: isinstance(shown.app.screen, OverlayScreen))
        await shown.sees("4 runs")


async def test_workers_are_asked_to_pause_to_go_on_and_to_stop(show_sweep: ShowSweep, sweep: Sweep) -> None:
    async with show_sweep() as shown:
        await shown.press("p")
        assert sweep.is_asked("pause")
        await shown.sees("its runs are saved and stopped")
        await shown.sees("paused")
        await shown.press("p")
        assert not sweep.is_asked("pause")
        await shown.press("x")
        assert sweep.is_asked("stop")
        await shown.sees("its workers save their runs and stop; go on with: vae-tui sweep")


async def test_what_failed_is_tried_again(show_sweep: ShowSweep, sweep: Sweep) -> None:
    async with show_sweep() as shown:
        await shown.press("R")
        await shown.sees("1 run to be tried again")
        assert sweep.claims.standings([4])[4].state == "waiting"


async def test_two_keys_are_a_map(show_sweep: ShowSweep, tmp_path: Path) -> None:
    values = [{"objective.beta": beta, "model.latent_dim": z, "train.seed": 0} for beta in (1, 4) for z in (2, 5, 10)]
    jobs = tuple(Job(number, one, f"two-{number}") for number, one in enumerate(values, start=1))
    keys = ("objective.beta", "model.latent_dim", "train.seed")
    two = make_sweep(tmp_path / "checkpoints", "two", "", Contents("fc20", {}, keys, jobs))
    for job in jobs[:-1]:
        two.claims.claim([job.number])
        train(two, job)
        two.claims.end(job.number, 1, "completed")
    async with show_sweep(of=two) as shown:
        assert "map" in shown.lines[-1]
        await shown.press("m")
        assert "-ELBO, nats per image" in shown.text
        assert "objective.beta →   model.latent_dim ↓" in shown.text
        assert [line.split()[0] for line in shown.lines if line.strip()[:2].strip() in ("2", "5", "10")]


async def test_a_map_takes_two_keys(show_sweep: ShowSweep) -> None:
    async with show_sweep() as shown:
        await shown.press("m")
        await shown.sees("a map takes two keys that differ, beside the seed")


async def test_a_sweep_whose_file_is_damaged_meanwhile_says_so_and_goes_on(show_sweep: ShowSweep, sweep: Sweep) -> None:
    async with show_sweep() as shown:
        whole = (sweep.folder / "sweep.json").read_text()

        def damaged() -> bool:
            return "sweep.jsonholdsnosweep" in shown.unfolded.replace(" ", "")

        (sweep.folder / "sweep.json").write_text(whole[:40])
        await shown.until(damaged)
        assert damaged()
        assert "✓✓" in shown.text
        (sweep.folder / "sweep.json").write_text(whole)
        await shown.until(lambda: not damaged())
        assert not damaged()


async def test_more_settings_than_rows_are_scrolled_to(show_sweep: ShowSweep, tmp_path: Path) -> None:
    jobs = tuple(Job(number, {"optimizer.lr": number / 1000}, f"many-{number}") for number in range(1, 61))
    many = make_sweep(tmp_path / "checkpoints", "many", "", Contents("fc20", {}, ("optimizer.lr",), jobs))
    async with show_sweep((80, 24), of=many) as shown:
        assert "of 60" in shown.text
        await shown.press("end")
        await shown.sees("many-60   waiting")
        assert "60 of 60" in shown.text


async def test_samples_of_every_setting_stand_side_by_side(show_sweep: ShowSweep) -> None:
    async with show_sweep() as shown:
        await shown.press("g")
        await shown.sees("mine   samples   seed 1 of 2")
        await shown.settle()
        panes = list(shown.app.screen.query(Pictures))
        assert [pane.border_title for pane in panes] == ["beta 1", "beta 4", "beta 10"]
        assert [bool(pane.caption) for pane in panes] == [True, True, False]
        await shown.press("right", "r")
        await shown.sees("mine   reconstructions   seed 2 of 2")
        await shown.press("q")
        await shown.until(lambda: isinstance(shown.app.screen, SweepScreen))
        assert isinstance(shown.app.screen, SweepScreen)


async def test_a_small_window_shows_samples_of_some_settings_and_scrolls_to_the_others(show_sweep: ShowSweep) -> None:
    async with show_sweep((40, 12)) as shown:
        await shown.press("g")
        await shown.sees("settings 1 to 2 of 3")
        await shown.press("down")
        await shown.sees("settings 2 to 3 of 3")


async def test_it_says_so_where_no_worker_takes_what_waits(
    show_sweep: ShowSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_tui.tui.screens.sweep._SECONDS_TO_BEGIN", 0.1)
    async with show_sweep() as shown:
        await shown.until(lambda: "noworkertrainsit;beginonewith:" in shown.unfolded.replace(" ", ""))
        assert "noworkertrainsit;beginonewith:" in shown.unfolded.replace(" ", "")


async def test_it_is_opened_from_the_list_of_runs_and_left_to_it(sweep: Sweep) -> None:
    lone = FakeTrainer(Run.create(sweep.runs_dir, "zzz", "", exact=True))
    lone.start()
    app = VaeTuiApp(HomeScreen(sweep.runs_dir))
    async with app.run_test(size=(120, 40)) as pilot:
        shown = Shown(app, pilot)
        await shown.sees("zzz")
        await shown.press("slash")
        await shown.type("zzz")
        await shown.press("enter", "v")
        await shown.sees("that run is not of a sweep")
        await shown.press("escape", "slash", "ctrl+u")
        await shown.type("mine")
        await shown.press("enter", "v")
        await shown.sees("3 of 6 runs completed")
        await shown.press("q")
        await shown.until(lambda: isinstance(app.screen, HomeScreen))
        assert isinstance(app.screen, HomeScreen)


async def test_what_a_search_found_to_matter_stands_below_it(show_sweep: ShowSweep, tmp_path: Path) -> None:
    space: dict[str, dict[str, Any]] = {
        "optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
        "train.batch_size": {"low": 8, "high": 64, "log": False},
    }
    search = Search(trials=8, space=space, metric="nelbo", direction="minimize", sampler="random")
    made = make_sweep(tmp_path / "checkpoints", "found", "", Contents("fc20", {}, tuple(space), (), search))
    study, jobs = Study(made.folder, "found", search), []
    for number in range(1, 9):
        trial, values = study.ask()
        study.tell(trial, values["optimizer.lr"] ** 2)
        jobs.append(Job(number, values, f"found-{number}", trial=trial))
    made.write(Contents("fc20", {}, tuple(space), tuple(jobs), search))
    for job in jobs:
        made.claims.claim([job.number])
        train(made, job)
        made.claims.end(job.number, 1, "completed")
    async with show_sweep((120, 40), of=made) as shown:
        await shown.sees("what explains -ELBO (fANOVA)   lr ▪▪▪")
        line = next(line for line in shown.lines if "what explains" in line)
        assert re.search(r"lr ▪+ \d\d %   batch_size ▪* ?\d+ %", line)
