"""The latest figures, each under its name."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.history import History
from vae_tui.tui.wording import MISSING, format_bytes, format_nats, format_percent, format_setting, format_speed


@dataclass(frozen=True)
class Column:
    """A figure, its name and how much room it takes at the most, so that nothing moves when it changes."""

    name: str
    text: str
    room: int
    color: str = "$foreground"

    @property
    def width(self) -> int:
        """Cells it takes."""
        return max(len(self.name), len(self.text), self.room)


class FigureTable(Widget):
    """A table of one row; the last figures go first where room is short."""

    def __init__(self) -> None:
        super().__init__()
        self._columns: tuple[Column, ...] = tuple(_columns(History()))

    def show(self, history: History) -> None:
        """Show the latest figures."""
        columns = tuple(_columns(history))
        if columns != self._columns:
            self._columns = columns
            self.refresh()

    def render(self) -> VisualType:
        """The names over the figures."""
        width, columns = self.content_size.width, list(self._columns)
        while len(columns) > 1 and sum(column.width + 2 for column in columns) - 2 > width:
            columns.pop()
        taken = sum(column.width for column in columns)
        gap = min(5, max(2, (width - taken) // max(1, len(columns) - 1)))
        names = Content(" " * gap).join(Content.styled(f"{c.name:<{c.width}}", "$faint") for c in columns)
        texts = Content(" " * gap).join(Content.styled(f"{c.text:<{c.width}}", f"bold {c.color}") for c in columns)
        return Content("\n").join([names, texts])


def _columns(history: History) -> list[Column]:
    latest, epoch, best = history.latest, history.latest_epoch, history.best
    train = latest.train if latest else epoch.train if epoch else {}
    validation = (epoch.validation or {}) if epoch else {}
    newest = latest or epoch
    columns = [
        Column("−ELBO", format_nats(_negative(train.get("elbo"))), 6, "$primary"),
        Column("validation", format_nats(_negative(validation.get("elbo"))), 6, "$accent"),
        Column("best", format_nats(best.negative_elbo if best else None), 6, "$warning"),
        Column("distortion", format_nats(train.get("distortion")), 6, "$secondary"),
        Column("rate", format_nats(train.get("rate")), 5, "$rate"),
        Column("beta", format_setting(newest.beta if newest else None), 4),
        Column("lr", format_setting(newest.lr if newest else None), 5),
        Column("images/s", format_speed(newest.images_per_second if newest else None), 6),
        Column("cpu", format_percent(latest.cpu_percent if latest else None), 5),
        Column("memory", format_bytes(latest.rss_bytes if latest else None), 7),
    ]
    columns.append(Column("step", f"{history.step:,}" if latest else MISSING, 7))
    if latest and latest.gpu_percent is not None:
        columns.append(Column("gpu", format_percent(latest.gpu_percent), 5))
    if latest and latest.gpu_memory_bytes is not None:
        columns.append(Column("gpu memory", format_bytes(latest.gpu_memory_bytes), 8))
    return columns


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
