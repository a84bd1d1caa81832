from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.errors import RunError
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock


def test_runs_created_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = [Run.create(tmp_path, "same", "") for _ in range(3)]
    assert len({run.path for run in runs}) == 3


@pytest.mark.parametrize("name", ["../out", "", ".", "-x", "sweep:x", "x.safetensors"])
def test_a_run_is_a_plain_folder_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot name a run"):
        Run.create(tmp_path / "runs", name, "", exact=True)


def test_a_name_that_is_taken_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match="exists already"):
        Run.create(run.path.parent, "here", "", exact=True)


def test_a_run_is_renamed_beside_its_siblings_and_never_over_one(run: Run) -> None:
    other = Run.create(run.path.parent, "other", "", exact=True)
    with pytest.raises(RunError, match="exists already"):
        run.rename("other")
    with pytest.raises(RunError, match="cannot name a run"):
        run.rename("../away")
    renamed = run.rename("there")
    assert (renamed.path.name, renamed.recipe_path.is_file(), run.path.exists()) == ("there", True, False)
    assert other.recipe_path.is_file()


def test_a_run_is_deleted_with_all_that_is_in_it(run: Run) -> None:
    (run.images_path / "samples-000000001.png").write_bytes(b"x")
    run.delete()
    assert not run.path.exists()


def test_a_live_run_is_neither_renamed_nor_deleted(run: Run) -> None:
    acquire_lock(run.path)
    try:
        for change in (run.delete, lambda: run.rename("there")):
            with pytest.raises(RunError, match="is being trained"):
                change()
    finally:
        release_lock(run.path)
    assert run.recipe_path.is_file()
