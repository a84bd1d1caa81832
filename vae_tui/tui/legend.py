"""What stands on the border of the first chart: its curves and marks, in as many words as fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from textual.content import Content
from textual.widget import Widget

from vae_tui.runs.facts import has_elbo
from vae_tui.runs.history import History
from vae_tui.tui.curves import SIGNS
from vae_tui.tui.marks import MARKS, steps_of

_LEGEND = {
    "train": ("━", "primary"),
    "validation": ("━", "accent"),
    "loss": ("━", "loss"),
    "best": ("◆", "warning"),
}
"""What stands for the curves in the legend, where there are more than ASCII characters, and its color."""


def describe_curves(history: History, *, plain: bool) -> list[str]:
    """What the first chart shows, in ever fewer words."""
    marks = {name: f"[${color}]{SIGNS[name] if plain else mark}[/]" for name, (mark, color) in _LEGEND.items()}
    shown = {"train": "train"}
    alone = not has_elbo(history)
    if len(history.validation["loss" if alone else "negative_elbo"]):
        shown |= {"validation": "validation"}
    if history.loss_name and not alone:
        shown |= {"loss": "loss"}
    if history.best and not alone:
        shown |= {"best": "best by loss" if history.loss_name else "best"}
    what, unit = ("[b]loss[/]", "") if alone else ("[b]−ELBO[/]", "[$faint]nats/image[/]")
    whole = "  ".join(f"{marks[name]} {word}" for name, word in shown.items())
    short = " ".join(f"{marks[name]}{word.replace('validation', 'valid')}" for name, word in shown.items())
    shortest = short.removesuffix(" by loss")
    events = [(mark, *MARKS[mark]) for mark in steps_of(history) if mark != "saved"]
    marked = "".join(f"  [${color}]{sign if plain else glyph}[/] {mark}" for mark, glyph, sign, color in events)
    return [
        f"{what}  {unit}  {whole}{marked}",
        f"{what}  {whole}{marked}",
        f"{what}  {short}{marked}",
        f"{what}  {unit}  {whole}",
        f"{what}  {unit}  {short}",
        f"{what}  {short}",
        f"{what} {shortest}",
        f"{what}  {unit}",
    ]


def fitting(pane: Widget, wordings: Sequence[str]) -> str:
    """The first wording that a pane's border has room for whole, else the last."""
    room = pane.outer_size.width - 6
    return next((text for text in wordings if _length(text) <= room), wordings[-1])


@lru_cache
def _length(markup: str) -> int:
    return Content.from_markup(markup).cell_length
