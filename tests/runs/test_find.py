from __future__ import annotations

import os
from pathlib import Path

import pytest

from vae_tui import events as ev
from vae_tui.errors import CheckpointError, RunError
from vae_tui.runs.find import closed_folders, find_checkpoint, find_run, list_runs
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter


def make(folder: Path, *names: str) -> list[Run]:
    """Runs, the newest first."""
    made = [Run.create(folder, name, "", exact=True) for name in names]
    for age, run in enumerate(made):
        os.utime(run.recipe_path, (1000 - age, 1000 - age))
    return made


def fail_to_start(run: Run, step: int = 0) -> None:
    writer = EventWriter(run.events_path)
    writer.write(ev.RunFinished(time=1.0, step=step, status="failed", reason="no images", epoch=0))
    writer.close()


def test_a_run_is_found_by_name_prefix_path_or_as_the_newest(tmp_path: Path) -> None:
    make(tmp_path, "beta1-new", "beta10-old", "digits-older")
    assert find_run(None, tmp_path).name == "beta1-new"
    assert find_run("dig", tmp_path).name == "digits-older"
    assert find_run(str(tmp_path / "beta10-old"), Path("elsewhere")).name == "beta10-old"
    assert [run.name for run in list_runs(tmp_path)] == ["beta1-new", "beta10-old", "digits-older"]
    with pytest.raises(RunError, match="fits 2 runs"):
        find_run("bet", tmp_path)
    with pytest.raises(RunError, match="did you mean digits-older"):
        find_run("digitz-older", tmp_path)
    with pytest.raises(RunError, match="no run under"):
        find_run(None, tmp_path / "nowhere")


@pytest.mark.parametrize("typed", ["beta1", "mnist/beta1", "recipes/mnist/beta1.toml"])
def test_a_recipes_name_finds_its_newest_run(tmp_path: Path, typed: str) -> None:
    make(
        tmp_path,
        "beta10-20260103-000000",
        "beta1-20260102-000000-2",
        "beta1-20260102-000000",
        "beta1-20260101-000000",
        "beta1-of-mine",
    )
    assert find_run(typed, tmp_path).name == "beta1-20260102-000000-2"


def test_a_run_with_a_name_of_its_own_is_found_by_its_recipe(tmp_path: Path) -> None:
    mine, _ = make(tmp_path, "mine", "beta1-20260102-000000")
    writer = EventWriter(mine.events_path)
    writer.write(ev.RunStarted(time=1.0, step=0, pid=1, version="1", recipe={}, recipe_name="beta1"))
    writer.close()
    assert find_run("beta1", tmp_path).name == "mine"


def test_a_recipes_name_is_not_taken_for_the_beginning_of_anothers(tmp_path: Path) -> None:
    make(tmp_path, "beta10-20260103-000000", "beta1-of-mine")
    assert find_run("beta1", tmp_path).name == "beta1-of-mine"
    assert find_run("beta10", tmp_path).name == find_run("beta10-2", tmp_path).name == "beta10-20260103-000000"
    make(tmp_path / "other", "beta10-20260103-000000")
    with pytest.raises(RunError, match="no run called 'beta1'"):
        find_run("beta1", tmp_path / "other")


def test_a_runs_own_name_comes_before_a_recipes(tmp_path: Path) -> None:
    make(tmp_path, "beta1-20260102-000000", "beta1")
    assert find_run("beta1", tmp_path).name == "beta1"


def test_a_start_that_failed_before_its_first_step_is_found_by_its_whole_name_only(tmp_path: Path) -> None:
    failed, good, _ = make(tmp_path, "beta1-20260103-000000", "beta1-20260102-000000", "beta1-20260101-000000")
    fail_to_start(failed)
    assert find_run("beta1", tmp_path).name == good.name
    assert find_run(None, tmp_path).name == good.name
    assert find_run(failed.name, tmp_path).name == failed.name
    assert find_run(str(failed.path), tmp_path).name == failed.name


def test_a_run_that_failed_after_its_first_step_still_counts(tmp_path: Path) -> None:
    failed, _ = make(tmp_path, "beta1-20260103-000000", "beta1-20260102-000000")
    fail_to_start(failed, step=7)
    assert find_run("beta1", tmp_path).name == failed.name


def test_where_every_start_failed_the_newest_is_shown(tmp_path: Path) -> None:
    (failed,) = make(tmp_path, "beta1-20260103-000000")
    fail_to_start(failed)
    assert find_run(None, tmp_path).name == failed.name


@pytest.mark.parametrize("kind", ["nothing", "folder"])
def test_a_run_that_lost_its_recipe_is_a_run_all_the_same(tmp_path: Path, kind: str) -> None:
    older, run = make(tmp_path, "older", "here")
    fail_to_start(run, step=7)
    run.recipe_path.unlink()
    if kind == "folder":
        run.recipe_path.mkdir()
    assert find_run("here", tmp_path).path == find_run(str(run.path), tmp_path).path == run.path
    assert {found.name for found in list_runs(tmp_path)} == {older.name, run.name}


def test_a_folder_without_anything_of_a_run_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert list_runs(tmp_path) == []
    with pytest.raises(RunError, match=r"empty is no run: it holds no recipe\.toml, no events\.jsonl and no step-"):
        find_run(str(tmp_path / "empty"), tmp_path)


def test_a_run_without_checkpoints_is_named(tmp_path: Path) -> None:
    make(tmp_path, "here")
    with pytest.raises(CheckpointError, match="holds no checkpoint yet"):
        find_checkpoint("here", tmp_path)


@pytest.mark.parametrize("kind", ["file", "link to a file", "link to nothing"])
def test_what_is_no_folder_of_runs_is_not_an_empty_one(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("")
    runs_dir = tmp_path / kind
    if kind != "file":
        runs_dir.symlink_to("file" if kind == "link to a file" else "nowhere")
    told = "is a link to what is not there" if kind == "link to nothing" else "is no folder of runs"
    for find in (lambda: list_runs(runs_dir), lambda: find_run("a", runs_dir), lambda: find_checkpoint(None, runs_dir)):
        with pytest.raises(RunError, match=f"{kind} {told}.* choose another --runs-dir"):
            find()


def test_a_folder_that_may_not_be_looked_into_is_named_and_hides_no_other(tmp_path: Path) -> None:
    make(tmp_path, "locked", "open")
    (tmp_path / "locked").chmod(0)
    try:
        if os.access(tmp_path / "locked", os.R_OK):
            pytest.skip("root reads everything")
        assert [run.name for run in list_runs(tmp_path)] == ["open"]
        assert closed_folders(tmp_path) == [f"{tmp_path / 'locked'} cannot be looked into: Permission denied"]
        assert find_run("open", tmp_path).name == "open"
        with pytest.raises(RunError, match="locked cannot be looked into: Permission denied"):
            find_run("locked", tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o700)
