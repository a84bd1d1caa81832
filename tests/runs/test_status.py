from __future__ import annotations

from vae_tui import events as ev
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter
from vae_tui.runs.status import read_status

EPOCH = ev.EpochStarted(time=1.0, step=0, epoch=1)


def test_a_trainer_that_died_without_its_last_event_leaves_an_interrupted_run(run: Run) -> None:
    writer = EventWriter(run.events_path)
    writer.write(EPOCH)
    assert read_status(run).phase == "interrupted"
    writer.write(ev.RunFinished(time=1.0, step=3, status="stopped", reason="", epoch=1))
    writer.close()
    assert read_status(run).phase == "stopped"
