from __future__ import annotations

import shutil
import threading
import tracemalloc
from dataclasses import replace

import pytest

from vae_tui import events as ev
from vae_tui.errors import RunError
from vae_tui.runs import log
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventReader, EventWriter, follow, read_events, read_events_of, read_last_event

EPOCH = ev.EpochStarted(time=1.0, step=0, epoch=1)
REPORT = ev.StepCompleted(time=1.0, step=1, epoch=1, steps=1, train={}, beta=1.0, lr=1e-3, images_per_second=1e4)


def test_a_torn_last_line_is_not_an_event_until_it_is_whole(run: Run) -> None:
    line = ev.to_json(EPOCH)
    reader = EventReader(run.events_path)
    assert list(reader.read()) == []
    run.events_path.write_text(line[:20])
    assert list(reader.read()) == []
    run.events_path.write_text(line + "\n")
    assert list(reader.read()) == [(line, EPOCH)]
    assert list(reader.read()) == []


@pytest.mark.parametrize("before", ["", "{}\n", "x" * 200_000 + "\n"])
def test_a_writer_cuts_off_the_line_its_predecessor_tore(run: Run, before: str) -> None:
    run.events_path.write_text(before + '{"event": "epo')
    writer = EventWriter(run.events_path)
    writer.write(EPOCH)
    writer.close()
    assert run.events_path.read_text() == before + ev.to_json(EPOCH) + "\n"


def test_following_yields_what_is_written_until_the_writer_is_gone(run: Run) -> None:
    gone = threading.Event()

    def write() -> None:
        writer = EventWriter(run.events_path)
        for epoch in range(1, 4):
            writer.write(ev.EpochStarted(time=1.0, step=0, epoch=epoch))
        writer.close()
        gone.set()

    threading.Thread(target=write).start()
    found = list(follow(EventReader(run.events_path), alive=lambda: not gone.is_set(), interval_seconds=0))
    assert [item[1].epoch for item in found if item and isinstance(item[1], ev.EpochStarted)] == [1, 2, 3]


def test_a_log_of_many_blocks_is_read_whole_and_only_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_BLOCK", 100)
    writer = EventWriter(run.events_path)
    written = [ev.EpochStarted(time=1.0, step=step, epoch=step) for step in range(50)]
    for event in written:
        writer.write(event)
    reader = EventReader(run.events_path)
    assert [logged.event for logged in reader.read()] == written
    assert reader.position == run.events_path.stat().st_size
    writer.write(EPOCH)
    writer.close()
    assert [logged.event for logged in reader.read()] == [EPOCH]


def test_a_log_can_be_read_up_to_where_a_trainer_began(run: Run) -> None:
    writer = EventWriter(run.events_path)
    writer.write(EPOCH)
    began = run.events_path.stat().st_size
    writer.write(ev.EpochStarted(time=2.0, step=9, epoch=2))
    writer.close()
    reader = EventReader(run.events_path)
    assert [logged.event.step for logged in reader.read(until=began)] == [0]
    assert [logged.event.step for logged in reader.read()] == [9]


def test_of_a_log_that_is_long_some_reports_are_read_and_all_else(run: Run) -> None:
    writer = EventWriter(run.events_path)
    others: list[ev.Event] = []
    for step in range(1, 1001):
        loss = None if step == 333 else 100.0 + step
        writer.write(replace(REPORT, step=step, train={"loss": loss}))
        if step in (500, 777):
            others.append(ev.CommandDone(time=1.0, step=step, command="save", message=""))
            writer.write(others[-1])
    writer.close()
    size = run.events_path.stat().st_size
    assert len(list(EventReader(run.events_path).read(thin_from=size))) == 1002
    reader = EventReader(run.events_path)
    found = [event for _, event in reader.read(thin_from=size // 10)]
    assert reader.position == size
    steps = [event.step for event in found if isinstance(event, ev.StepCompleted)]
    assert 90 < len(steps) < 110
    assert steps == sorted(set(steps))
    assert {333, 500, 777, 1000} <= set(steps), "those without a loss, and the last before a command"
    assert [event for event in found if not isinstance(event, ev.StepCompleted)] == others
    assert [event.step for event in found][-1] == 1000


def test_the_last_event_is_that_of_the_last_whole_line(run: Run) -> None:
    assert read_last_event(run.events_path) is None
    run.events_path.write_text(f'{ev.to_json(EPOCH)}\n{{"event": "epo')
    assert read_last_event(run.events_path) == EPOCH


def test_a_long_log_takes_no_more_memory_than_a_short_one(run: Run) -> None:
    line = ev.to_json(ev.NoteAdded(time=1.0, step=0, note="x" * 4000)) + "\n"
    run.events_path.write_text(line * 10_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in EventReader(run.events_path).read()) == 10_000
        assert tracemalloc.get_traced_memory()[1] < run.events_path.stat().st_size / 4
    finally:
        tracemalloc.stop()


def test_a_log_that_is_a_link_to_nothing_is_named_and_no_new_one_is_begun(run: Run) -> None:
    elsewhere = run.path.with_name("elsewhere.jsonl")
    run.events_path.symlink_to(elsewhere)
    told = r"events\.jsonl is a link to .*elsewhere\.jsonl, which is not there: put that back, or remove the link"
    with pytest.raises(RunError, match=told):
        list(EventReader(run.events_path).read())
    with pytest.raises(RunError, match=told):
        EventWriter(run.events_path)
    assert not elsewhere.exists()
    elsewhere.write_text(f"{ev.to_json(EPOCH)}\n")
    assert [logged.event for logged in EventReader(run.events_path).read()] == [EPOCH]


def test_a_line_without_an_end_takes_no_more_memory_than_an_event_may(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_LONGEST_LINE", 100_000)
    monkeypatch.setattr(log, "_BLOCK", 10_000)
    line = ev.to_json(EPOCH) + "\n"
    run.events_path.write_text(line + "x" * 5_000_000 + f"\n{line}" + "\0" * 5_000_000)
    tracemalloc.start()
    try:
        assert list(read_events_of(run.events_path, ev.EpochStarted)) == [EPOCH, EPOCH]
        reader = EventReader(run.events_path)
        assert [logged.event for logged in reader.read()] == [EPOCH, EPOCH]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert "longer than 100,000 bytes" in reader.skipped


@pytest.mark.parametrize("is_replaced", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_log_that_is_deleted_while_it_is_written_loses_nothing(
    run: Run, is_replaced: bool, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_SECONDS_MISSED", -1 if at_once else 1000)
    writer = EventWriter(run.events_path)
    writer.write(EPOCH)
    run.events_path.unlink()
    other = ev.EpochStarted(time=2.0, step=1, epoch=7)
    if is_replaced:
        run.events_path.write_text(ev.to_json(other) + "\n")
    after = ev.EpochStarted(time=3.0, step=2, epoch=2)
    writer.write(after)
    assert run.events_path.exists() == (at_once or is_replaced)
    writer.close()
    assert read_events(run.events_path) == [other if is_replaced else EPOCH, after]
    assert not list(run.path.glob(".events*"))


def test_a_log_in_a_folder_that_is_gone_ends_nothing(run: Run) -> None:
    writer = EventWriter(run.events_path)
    shutil.rmtree(run.path)
    writer.write(EPOCH)
    writer.close()
    assert not run.path.exists()
