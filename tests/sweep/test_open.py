from __future__ import annotations

from pathlib import Path

import pytest
from fake_trainer import FakeTrainer

from vae_tui.errors import RecipeError, RunError
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.runs.summary import Summaries
from vae_tui.sweep.folder import Sweep, find_sweep, list_sweeps, rename_run
from vae_tui.sweep.open import open_sweep, put_first
from vae_tui.sweep.plan import Plan, plan_of_grid
from vae_tui.sweep.results import read_results


def plan(recipe: Path, *grid: str, fixed: tuple[str, ...] = ()) -> Plan:
    return plan_of_grid(str(recipe), grid=grid, fixed=fixed, name="mine")


def test_a_sweep_is_made_once_and_opened_again_as_it_was(recipe: Path, tmp_path: Path) -> None:
    _, made, notes = open_sweep(plan(recipe, "seed=0,1", "beta=1,4"), tmp_path)
    assert notes == ()
    assert [job.run for job in made.jobs][:2] == ["mine-seed=0,beta=1", "mine-seed=0,beta=4"]
    assert made.fixed["train.threads"] == 1
    assert made.fixed["train.compile"] is False
    found, again, _ = open_sweep(plan(recipe, "seed=0,1", "beta=1,4"), tmp_path)
    assert again == made == found.read()
    assert [one.name for one in list_sweeps(tmp_path)] == ["mine"]


def test_threads_are_those_that_were_decided_first(recipe: Path, tmp_path: Path) -> None:
    open_sweep(plan(recipe, "seed=0"), tmp_path, threads=4)
    _, again, _ = open_sweep(plan(recipe, "seed=0"), tmp_path)
    assert again.fixed["train.threads"] == 4


@pytest.mark.parametrize(
    ("grid", "fixed", "message"),
    [
        (("seed=0,1",), ("train.epochs=4",), "was begun with other settings for train.epochs"),
        (("beta=0,1",), (), "differs in train.seed, not in objective.beta"),
    ],
)
def test_another_sweep_of_the_same_name_is_refused(
    recipe: Path, tmp_path: Path, grid: tuple[str, ...], fixed: tuple[str, ...], message: str
) -> None:
    _, before, _ = open_sweep(plan(recipe, "seed=0"), tmp_path)
    with pytest.raises(RunError, match=message):
        open_sweep(plan(recipe, *grid, fixed=fixed), tmp_path)
    assert Sweep(tmp_path / "sweeps" / "mine").read() == before


def test_a_recipe_that_has_changed_since_is_refused(recipe: Path, tmp_path: Path) -> None:
    open_sweep(plan(recipe, "seed=0"), tmp_path)
    recipe.write_text(recipe.read_text().replace("latent_dim = 3", "latent_dim = 4"))
    with pytest.raises(RunError, match="the recipe has changed since"):
        open_sweep(plan(recipe, "seed=0"), tmp_path)


def test_a_run_that_is_trained_is_not_taken_away(recipe: Path, tmp_path: Path) -> None:
    _, made, _ = open_sweep(plan(recipe, "seed=0,1"), tmp_path)
    run = Run.create(tmp_path, made.jobs[1].run, "", exact=True)
    acquire_lock(run.path)
    try:
        with pytest.raises(RunError, match="mine-seed=1 is no longer in the sweep, and it is being trained"):
            open_sweep(plan(recipe, "seed=0"), tmp_path)
    finally:
        release_lock(run.path)


def test_jobs_keep_their_numbers_when_others_come_and_go(recipe: Path, tmp_path: Path) -> None:
    open_sweep(plan(recipe, "seed=0,1"), tmp_path)
    _, now, notes = open_sweep(plan(recipe, "seed=1,2"), tmp_path)
    assert [(job.number, job.run) for job in now.jobs] == [(2, "mine-seed=1"), (3, "mine-seed=2")]
    assert notes == (
        "1 run added to mine",
        "1 run taken away from mine; those that were begun are kept as runs",
    )


def test_jobs_are_put_first(recipe: Path, tmp_path: Path) -> None:
    sweep, _, _ = open_sweep(plan(recipe, "seed=0,1,2"), tmp_path)
    assert put_first(sweep, ["seed=2"])[1] == 1
    assert put_first(sweep, ["train.seed=1"])[1] == 1
    assert [job.priority for job in sweep.read().jobs] == [0, 2, 1]
    with pytest.raises(RecipeError, match="no such key"):
        put_first(sweep, ["sede=2"])


def test_a_run_that_is_called_sweeps_is_in_the_way(recipe: Path, tmp_path: Path) -> None:
    Run.create(tmp_path, "sweeps", "", exact=True)
    with pytest.raises(RunError, match="the folder of sweeps is called so: rename the run"):
        open_sweep(plan(recipe, "seed=0"), tmp_path)


def test_what_is_no_sweep_is_not_found_and_one_that_is_damaged_is_named(recipe: Path, tmp_path: Path) -> None:
    assert find_sweep("mine", tmp_path) is None
    sweep, _, _ = open_sweep(plan(recipe, "seed=0"), tmp_path)
    (sweep.folder / "sweep.json").write_text('{"jobs": [{"number": 1}]}')
    with pytest.raises(RunError, match=r"sweep\.json holds no sweep"):
        sweep.read()


def begin(runs_dir: Path, name: str) -> Run:
    trainer = FakeTrainer(Run.create(runs_dir, name, "", exact=True))
    trainer.start(sweep="mine")
    return trainer.run


def test_a_run_that_is_renamed_is_known_to_its_sweep_by_its_new_name(recipe: Path, tmp_path: Path) -> None:
    sweep, made, _ = open_sweep(plan(recipe, "seed=0,1"), tmp_path)
    sweep.claims.claim([1])
    run = begin(tmp_path, "mine-seed=0")
    with pytest.raises(RunError, match="is being trained by the sweep mine"):
        rename_run(run, "kept")
    sweep.claims.end(1, 1, "completed")
    assert rename_run(run, "kept").path == tmp_path / "kept"
    assert [job.run for job in sweep.read().jobs] == ["kept", "mine-seed=1"]
    (found, _) = list(read_results(sweep, sweep.read(), Summaries()))[-1]
    assert found.summary is not None
    assert open_sweep(plan(recipe, "seed=0,1"), tmp_path)[1] == sweep.read()
    assert made != sweep.read()


def test_a_run_of_a_sweep_that_is_gone_is_renamed_as_any_other(recipe: Path, tmp_path: Path) -> None:
    assert rename_run(begin(tmp_path, "one"), "two").path == tmp_path / "two"
