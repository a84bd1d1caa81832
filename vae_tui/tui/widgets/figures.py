"""The latest figures, each under its name."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.facts import has_elbo
from vae_tui.runs.history import History, Moment
from vae_tui.tui.machine_words import format_celsius, format_watts
from vae_tui.wording import (
    MISSING,
    format_bytes,
    format_count,
    format_nats,
    format_percent,
    format_setting,
    format_speed,
)


@dataclass(frozen=True)
class Column:
    """A figure, its name and how much room it takes at the most, so that nothing moves when it changes.

    Of those that do not all fit, the one with the highest `rank` goes first.
    """

    name: str
    text: str
    room: int
    color: str = "$foreground"
    rank: int = 0

    @property
    def width(self) -> int:
        """Cells it takes."""
        return max(len(self.name), len(self.text), self.room)


class FigureTable(Widget):
    """A table of one row, of a moment of a run; what matters least goes first where room is short."""

    def __init__(self) -> None:
        super().__init__()
        self._columns: tuple[Column, ...] = tuple(_columns(History(), Moment()))

    def show(self, history: History, moment: Moment) -> None:
        """Show the figures of a moment of the run."""
        columns = tuple(_columns(history, moment))
        if columns != self._columns:
            self._columns = columns
            self.refresh()

    def render(self) -> VisualType:
        """The names over the figures."""
        width, columns = self.content_size.width, list(self._columns)
        while len(columns) > 1 and sum(column.width + 2 for column in columns) - 2 > width:
            columns.remove(max(reversed(columns), key=lambda column: column.rank))
        taken = sum(column.width for column in columns)
        gap = min(5, max(2, (width - taken) // max(1, len(columns) - 1)))
        names = Content(" " * gap).join(Content.styled(f"{c.name:<{c.width}}", "$faint") for c in columns)
        texts = Content(" " * gap).join(Content.styled(f"{c.text:<{c.width}}", f"bold {c.color}") for c in columns)
        return Content("\n").join([names, texts])


def _columns(history: History, moment: Moment) -> list[Column]:
    train, validation, best = moment.train, moment.validation, moment.best
    with_elbo = has_elbo(history)
    columns = [Column("−ELBO", format_nats(train.get("negative_elbo")), 6, "$primary")] if with_elbo else []
    if history.validates and with_elbo:
        columns.append(Column("validation", format_nats(validation.get("negative_elbo")), 6, "$accent"))
    if history.loss_name:
        # Of validation, as its curve and its best are; of training where there is none.
        loss = (validation if history.validates else train).get("loss")
        columns.append(Column("loss", format_nats(loss), 6, "$loss"))
    if history.validates and history.loss_name:
        columns.append(Column("best loss", format_nats(best.loss if best else None), 6, "$warning"))
    elif history.validates:
        columns.append(Column("best", format_nats(best.negative_elbo if best else None), 6, "$warning"))
    columns += [
        Column("distortion", format_nats(train.get("distortion")), 6, "$secondary", rank=1),
        Column("rate", format_nats(train.get("rate")), 5, "$rate", rank=1),
        Column("beta", format_setting(train.get("beta")), 4, rank=5),
        Column("lr", format_setting(train.get("lr")), 5, rank=6),
        Column("images/s", format_speed(train.get("images_per_second")), 6, rank=2),
        Column("cpu", format_percent(train.get("cpu_percent")), 5, rank=4),
        Column("memory", format_bytes(train.get("rss_bytes")), 7, rank=3),
        Column("step", format_count(moment.step) if train else MISSING, 7, rank=1),
    ]
    gpu = (
        Column("gpu", format_percent(train.get("gpu_percent")), 5, rank=2),
        Column("gpu memory", format_bytes(train.get("gpu_memory_bytes")), 8, rank=3),
        Column("heat", format_celsius(train.get("gpu_celsius")), 6, rank=7),
        Column("power", format_watts(train.get("gpu_watts")), 6, rank=8),
    )
    return columns + [column for column in gpu if column.text != MISSING]
