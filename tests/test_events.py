from __future__ import annotations

import json
import math

from vae_tui import events as ev

FINISHED = ev.RunFinished(time=2.0, step=7, status="failed", reason="\u2028 odd\ntext", epoch=1, checkpoint=None)


def test_an_event_survives_its_line() -> None:
    line = ev.to_json(FINISHED)
    assert "\n" not in line
    assert ev.from_json(line) == FINISHED


def test_a_line_begins_with_event_time_and_step() -> None:
    assert list(json.loads(ev.to_json(FINISHED)))[:3] == ["event", "time", "step"]


def test_figures_that_are_not_finite_become_null() -> None:
    event = ev.EpochCompleted(
        time=1.0,
        step=1,
        epoch=1,
        train={"loss": math.nan, "elbo": -math.inf, "distortion": 1.0, "rate": 2.0},
        validation=None,
        rate_per_dimension=[math.inf, 0.5],
        beta=1.0,
        lr=0.1,
        images_per_second=1.0,
        elapsed_seconds=1.0,
    )
    body = json.loads(ev.to_json(event), parse_constant=lambda name: f"not JSON: {name}")
    assert body["train"] == {"loss": None, "elbo": None, "distortion": 1.0, "rate": 2.0}
    assert body["rate_per_dimension"] == [None, 0.5]


def test_lines_from_another_version_are_passed_over() -> None:
    body = json.loads(ev.to_json(FINISHED))
    assert ev.from_json(json.dumps(body | {"event": "moon_landed"})) is None
    assert ev.from_json(json.dumps(body | {"added_later": 3})) == FINISHED
    assert ev.from_json("[1, 2]") is None
    assert ev.from_json('{"event": "run_finished"}') is None
    assert ev.from_json("{") is None
    assert ev.from_json(json.dumps(body | {"epoch": "third"})) is None
    assert ev.from_json("[" * 100_000) is None
