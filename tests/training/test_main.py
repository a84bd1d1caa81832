"""The trainer process as it opens its run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import MakeRun, train_events

from vae_tui.errors import RunError
from vae_tui.events import RunFinished
from vae_tui.runs.job import TrainingJob
from vae_tui.runs.log import read_last_event
from vae_tui.training import __main__ as trainer


def test_a_resume_that_another_was_faster_than_leaves_the_recipe_alone(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    list(train_events(run))
    before = run.recipe_path.read_bytes()
    hold = f"from pathlib import Path; from vae_tui.runs.lock import *; acquire_lock(Path({str(run.path)!r})); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        # As if the other had come between the look for a free run and the lock.
        monkeypatch.setattr(trainer, "find_free_run", lambda *_: run)
        with pytest.raises(RunError, match="is being trained"):
            trainer._open(TrainingJob(resume=run.name, overrides=("train.epochs=9",)))
        other.communicate()
    assert run.recipe_path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", "2>&- >&-"])
def test_a_trainer_lives_with_streams_that_were_closed(tmp_path: Path, closed: str) -> None:
    command = (
        f"{sys.executable} -m vae_tui train digits --device cpu --set train.epochs=1 --run quiet --detach {closed}"
    )
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=False)
    log = tmp_path / "checkpoints" / "quiet" / "events.jsonl"
    patience = time.monotonic() + 120
    while not isinstance(last := read_last_event(log), RunFinished):
        assert time.monotonic() < patience, "it never ended"
        time.sleep(0.05)
    assert last.status == "completed"
