"""The weights of a run over training time, and files among its snapshots taken as checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.errors import RunError
from vae_tui.runs.find import find_checkpoint, find_run, list_runs
from vae_tui.runs.layout import Run, run_folder, weights_name
from vae_tui.runs.weights import list_weights, weights_at


@pytest.fixture
def thinned(run: Run) -> Run:
    """Checkpoints of steps 300, 400 and 450, snapshots of 0, 200 and 400."""
    run.snapshots_path.mkdir()
    for folder, steps in ((run.path, (300, 400, 450)), (run.snapshots_path, (0, 200, 400))):
        for step in steps:
            (folder / weights_name(step)).write_bytes(b"")
    (run.snapshots_path / ".step-000000500.safetensors.4711").write_bytes(b"")
    return run


def test_checkpoints_and_snapshots_are_one_row_of_steps(thinned: Run) -> None:
    found = list_weights(thinned)
    assert [weights.step for weights in found] == [0, 200, 300, 400, 450]
    assert [weights.path.parent.name for weights in found] == ["snapshots", "snapshots", "here", "snapshots", "here"]
    assert list_weights(Run(thinned.path / "nowhere")) == []


@pytest.mark.parametrize(("step", "nearest"), [(0, 0), (199, 0), (200, 200), (301, 300), (9999, 450), (-1, None)])
def test_the_weights_of_a_step_are_the_last_that_were_there_by_then(
    thinned: Run, step: int, nearest: int | None
) -> None:
    found = weights_at(list_weights(thinned), step)
    assert (found.step if found else None) == nearest
    assert weights_at([], step) is None


def test_a_snapshot_is_a_checkpoint_of_its_run_and_its_folder_no_run(thinned: Run) -> None:
    snapshot = thinned.snapshots()[1].path
    assert find_checkpoint(str(snapshot), Path("nowhere")) == snapshot
    assert run_folder(snapshot) == run_folder(thinned.latest().path) == thinned.path
    assert list_runs(thinned.path) == []
    with pytest.raises(RunError, match=f"but the snapshots of one: name one of its files, or {thinned.path}"):
        find_run(str(thinned.snapshots_path), Path("nowhere"))


def test_a_run_may_be_called_snapshots(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "snapshots", "", exact=True)
    (run.path / weights_name(3)).write_bytes(b"")
    assert [found.name for found in list_runs(tmp_path)] == ["snapshots"]
    assert run_folder(run.latest().path) == run.path
