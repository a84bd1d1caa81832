"""Lines of a run's logs as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from vae_tui import events as ev
from vae_tui.runs.log_lines import LogLine, describe, describe_rest, read_event_line, read_printed_line

AT: dict[str, Any] = {"time": 1_767_225_600.0, "step": 1200}
FIGURES: ev.Figures = {"loss": 1.0, "elbo": -142.31, "distortion": 128.9, "rate": None}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ev.RunStarted(**AT, pid=7, version="1", recipe={}), "a trainer began, in process 7"),
        (
            ev.RunStarted(**AT, pid=7, version="1", recipe={}, resumed_from=1200),
            "a trainer went on from step 1,200, in process 7",
        ),
        (ev.StageProgressed(**AT, stage="decoding images", done=5, total=70_000), "decoding images: 5 of 70,000"),
        (
            ev.StepCompleted(
                **AT, epoch=3, steps=6, train=FIGURES, beta=1.0, lr=1e-3, images_per_second=21_400.0, cpu_percent=96.0
            ),
            "−ELBO 142.31, rate –, 21.4k images/s",
        ),
        (
            ev.CheckpointSaved(**AT, epoch=3, path="step-000001200.safetensors", best=True),
            "saved step-000001200.safetensors, the best so far",
        ),
        (ev.CommandDone(**AT, command="set", message="no such key", refused=True), "set refused: no such key"),
        (ev.NoteAdded(**AT, note="posterior collapse", alarm="collapsed"), "warning: posterior collapse"),
        (ev.NoteAdded(**AT, note="a busy machine"), "note: a busy machine"),
        (ev.RunFinished(**AT, status="failed", reason="NaN", epoch=3), "the training failed: NaN"),
    ],
)
def test_an_event_in_words(event: ev.Event, said: str) -> None:
    assert describe(event)[0] == said
    line = read_event_line(ev.to_json(event).encode())
    assert line.text.endswith(f"      1,200  {said}")


@pytest.mark.parametrize("kind", ev.KINDS.values())
def test_every_kind_of_event_has_words(kind: type[ev.Event]) -> None:
    given: dict[str, Any] = {
        **AT,
        **dict.fromkeys(("epoch", "steps", "pid", "done", "threads", "parameter_count", "count", "columns"), 1),
        **dict.fromkeys(("images_per_second", "beta", "lr", "elapsed_seconds"), 1.0),
        **dict.fromkeys(("stage", "kind", "path", "message", "command", "note", "reason", "device", "network"), "it"),
        **{"status": "stopped", "best": False, "train": {}, "validation": None, "rate_per_dimension": [], "padding": 2},
        **{"recipe": {}, "versions": {}, "version": "1", "data_sizes": {}, "image_shape": (1, 2, 2)},
        "steps_per_epoch": 1,
    }
    wanted = {name: value for name, value in given.items() if name in kind.__dataclass_fields__}
    assert describe(kind(**wanted))[0] not in ("", kind.event)


def test_damaged_lines_and_strange_times_are_lines_too() -> None:
    assert read_event_line(b"\x00\xff{") == LogLine("a damaged line: it is no JSON object", "warning")
    assert (
        read_event_line(b'{"event": "soared"}').text
        == "a line of a later version of vae-tui: it is of the kind 'soared'"
    )
    event = ev.NoteAdded(time=1e15, step=10**15, note="\x1b[31m\u202ered")
    assert read_event_line(ev.to_json(event).encode()).text.endswith(r"1e15  note: \x1b[31m\u202ered")


def test_what_a_process_printed_hides_nothing_and_is_cut() -> None:
    assert read_printed_line(b"\x1b[31mred\x1b[0m caf\xe9 \xc3\xa9").text == r"\x1b[31mred\x1b[0m caf\xe9 é"
    assert read_printed_line(b" 10 %\r 20 %\r100 %\r").text == "100 %"
    assert read_printed_line(b"a\tb").text == "a   b"
    assert read_printed_line(b"x" * 10_000).text == "x" * 4000 + " … 10,000 characters in all"


def test_what_is_not_shown_is_said() -> None:
    assert describe_rest(0, 100, is_full=False, path="x") == ""
    assert describe_rest(1 << 30, 1 << 31, is_full=False, path="x") == (
        "1.0 GiB of 2.0 GiB are older, and are read as you scroll up"
    )
    assert describe_rest(1 << 30, 1 << 31, is_full=True, path="x") == (
        "1.0 GiB of 2.0 GiB are older: see them with: less x"
    )
