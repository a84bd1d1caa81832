"""What the help of a run says beside its keys."""

from __future__ import annotations

from collections.abc import Sequence

from vae_tui.runs.history import History, Moment
from vae_tui.runs.verdict import judge
from vae_tui.tui.machine_words import machine_rows, step_rows
from vae_tui.tui.marks import MARKS

_READING = (
    ("−ELBO", "falls and levels off, validation a little above it: healthy"),
    ("", "validation turns up again: it overfits, ◆ marks the best"),
    ("rate", "near 0, no dimension active: posterior collapse"),
    ("distortion", "what reconstructions cost; it falls as rate is spent"),
    ("nats", "summed over pixels and dimensions, averaged over images"),
)


def describe_run(history: History, moment: Moment, *, plain: bool) -> dict[str, Sequence[tuple[str, str]]]:
    """How a run goes, how to read its charts, where time went at a moment, and its notes, by titles."""
    more: dict[str, Sequence[tuple[str, str]]] = {}
    if verdict := judge(history):
        more["How it goes"] = [("", verdict.text), ("", verdict.basis)]
    signs = " ".join(sign if plain else glyph for glyph, sign, _ in MARKS.values())
    more["Reading the charts"] = (*_READING, (signs, f"at the foot: {', '.join(MARKS)}"))
    for title, rows in (("Where a step's time goes", step_rows(moment)), ("The machine", machine_rows(moment))):
        if rows:
            more[title] = rows
    if notes := (*history.notes, *(note.text for note in history.added_notes)):
        more["Notes on this run"] = [("", note) for note in notes]
    return more
