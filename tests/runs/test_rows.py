"""A run's figures as rows of tables: straight from the log, without what a resumed run did not build on."""

from __future__ import annotations

import csv
import io

from log_events import training_started

from vae_tui import events as ev
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter
from vae_tui.runs.rows import lasting_events, tabulate_epochs, tabulate_epochs_of, tabulate_steps, write_csv

FIGURES: ev.Figures = {"loss": 110.0, "elbo": -110.0, "distortion": 90.0, "rate": 20.0}


def log(run: Run, *events: ev.Event) -> None:
    writer = EventWriter(run.events_path)
    for event in events:
        writer.write(event)
    writer.close()


def started(resumed_from: int | None = None) -> ev.RunStarted:
    step = resumed_from or 0
    return ev.RunStarted(time=1.0, step=step, pid=1, version="0", recipe={}, resumed_from=resumed_from)


def completed(step: int, time: float = 2.0, validation: ev.Figures | None = FIGURES) -> ev.EpochCompleted:
    return ev.EpochCompleted(
        time=time, step=step, epoch=step // 10, train=FIGURES, validation=validation, rate_per_dimension=[19.5, None],
        beta=4.0, lr=1e-3, images_per_second=5.0, elapsed_seconds=time - 1,
    )  # fmt: skip


def stepped(step: int) -> ev.StepCompleted:
    return ev.StepCompleted(
        time=2.0, step=step, epoch=1, steps=3, train=FIGURES | {"loss": None}, beta=1.0, lr=1e-3,
        images_per_second=5.0, rss_bytes=1 << 30,
    )  # fmt: skip


def written(table: object) -> list[dict[str, str]]:
    file = io.BytesIO()
    write_csv(table, file)  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(file.getvalue().decode())))


def test_an_epoch_is_a_row_of_both_splits_and_every_dimension(run: Run) -> None:
    log(run, started(), training_started(), completed(10), completed(20, validation=None))
    first, second = written(tabulate_epochs(run))
    assert first["step"] == "10"
    assert (first["epoch"], first["time"], first["elapsed_seconds"]) == ("1", "2.0", "1.0")
    assert (first["train/elbo"], first["validation/distortion"], first["beta"]) == ("-110.0", "90.0", "4.0")
    assert (first["rate_0"], first["rate_1"]) == ("19.5", "")
    assert (second["train/rate"], second["validation/rate"]) == ("20.0", "")


def test_a_report_is_a_row_of_training_and_of_the_machine(run: Run) -> None:
    log(run, started(), stepped(3))
    (row,) = written(tabulate_steps(run))
    assert (row["step"], row["steps"], row["train/loss"], row["train/elbo"]) == ("3", "3", "", "-110.0")
    assert (row["rss_bytes"], row["gpu_percent"]) == (str(1 << 30), "")


def test_what_a_run_was_resumed_before_is_no_part_of_it(run: Run) -> None:
    log(run, started(), completed(10), completed(20), completed(30))
    log(run, started(20), completed(30, time=9.0), completed(40))
    log(run, started(10), completed(20, time=11.0))
    assert [(row["step"], row["time"]) for row in written(tabulate_epochs(run))] == [("10", "2.0"), ("20", "11.0")]
    log(run, started(None))
    assert not any(event.step for event in lasting_events(run)), "it began anew"


def test_the_epochs_of_several_runs_are_one_table(run: Run) -> None:
    other = Run.create(run.path.parent, "there", "", exact=True)
    log(run, started(), completed(10))
    log(other, started(), completed(10), completed(20))
    rows = written(tabulate_epochs_of({"here": run, "there": other}))
    assert [(row["run"], row["step"]) for row in rows] == [("here", "10"), ("there", "10"), ("there", "20")]
    assert "rate_0" not in rows[0]


def test_a_run_without_epochs_is_a_line_of_columns(run: Run) -> None:
    assert written(tabulate_epochs(run)) == []
    assert tabulate_epochs(run).columns[:2] == ("step", "epoch")
