"""When other programs come in the way, that is said once, and when they have left, once more."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.training.contention import Contention
from vae_tui.training.resources import Resources


def say(contention: Contention, readings: Iterable[tuple[float, float]]) -> list[str]:
    return [said for taken, speed in readings if (said := contention.look(taken, speed)) is not None]


def test_a_machine_that_gets_busy_is_told_with_the_speed_it_had() -> None:
    contention = Contention(cores=2, threads=2)
    assert say(contention, [(0.1, 20_000)] * 30) == []
    assert say(contention, [(1.0, 9_000)] * 30) == [
        "other programs keep 1.0 of 2 cores busy: 9,000 images/s, 20,000 without them"
    ]
    assert say(contention, [(0.0, 19_000)] * 30) == ["other programs have left the cores: 19,000 images/s again"]


@pytest.mark.parametrize(
    ("threads", "taken", "speed"),
    [(2, 1.0, 19_000), (1, 1.0, 9_000), (2, 0.2, 9_000)],
    ids=["others take nothing away", "others have a core of their own", "it is slower of itself"],
)
def test_what_others_do_not_slow_down_is_no_news(threads: int, taken: float, speed: float) -> None:
    contention = Contention(cores=2, threads=threads)
    assert say(contention, [(0.1, 20_000)] * 30 + [(taken, speed)] * 30) == []


def test_one_busy_second_is_no_news() -> None:
    assert say(Contention(cores=2, threads=2), [*[(0.0, 20_000)] * 30, (2.0, 1_000), *[(0.0, 20_000)] * 30]) == []


@pytest.mark.slow
def test_a_run_says_it_in_its_log(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Contention, "look", lambda _self, taken, speed: f"{taken:.0f} cores, {speed > 0}")
    read = Resources.read

    def read_with_others(self: Resources) -> dict[str, object]:
        found = read(self)
        self.others = 2.0
        return found

    monkeypatch.setattr(Resources, "read", read_with_others)
    run = make_run("train.epochs=1000000", "train.max_seconds=1.5")
    notes = [event.note for event in train_events(run) if isinstance(event, ev.NoteAdded) and "cores" in event.note]
    assert notes == ["2 cores, True"]
