"""The latest figures, each under its name."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.history import History
from vae_tui.tui.wording import MISSING, say_bytes, say_nats, say_percent, say_setting, say_speed


@dataclass(frozen=True)
class Figure:
    """A figure, its name and how much room it takes at the most, so that nothing moves when it changes."""

    name: str
    text: str
    room: int
    color: str = "$foreground"

    @property
    def width(self) -> int:
        """Cells it takes."""
        return max(len(self.name), len(self.text), self.room)


class Figures(Widget):
    """A table of one row; the last figures go first where room is short."""

    def __init__(self) -> None:
        super().__init__()
        self._figures: tuple[Figure, ...] = tuple(_figures(History()))

    def show(self, history: History) -> None:
        """Show the latest figures."""
        figures = tuple(_figures(history))
        if figures != self._figures:
            self._figures = figures
            self.refresh()

    def render(self) -> VisualType:
        """The names over the figures."""
        width, figures = self.content_size.width, list(self._figures)
        while len(figures) > 1 and sum(figure.width + 2 for figure in figures) - 2 > width:
            figures.pop()
        taken = sum(figure.width for figure in figures)
        gap = min(5, max(2, (width - taken) // max(1, len(figures) - 1)))
        names = Content(" " * gap).join(Content.styled(f"{f.name:<{f.width}}", "$faint") for f in figures)
        texts = Content(" " * gap).join(Content.styled(f"{f.text:<{f.width}}", f"bold {f.color}") for f in figures)
        return Content("\n").join([names, texts])


def _figures(history: History) -> list[Figure]:
    latest, epoch, best = history.latest, history.latest_epoch, history.best
    train = latest.train if latest else epoch.train if epoch else {}
    validation = (epoch.validation or {}) if epoch else {}
    said = latest or epoch
    figures = [
        Figure("−ELBO", say_nats(_negative(train.get("elbo"))), 6, "$primary"),
        Figure("validation", say_nats(_negative(validation.get("elbo"))), 6, "$accent"),
        Figure("best", say_nats(best.negative_elbo if best else None), 6, "$warning"),
        Figure("distortion", say_nats(train.get("distortion")), 6, "$secondary"),
        Figure("rate", say_nats(train.get("rate")), 5, "$rate"),
        Figure("beta", say_setting(said.beta if said else None), 4),
        Figure("lr", say_setting(said.lr if said else None), 5),
        Figure("images/s", say_speed(said.images_per_second if said else None), 6),
        Figure("cpu", say_percent(latest.cpu_percent if latest else None), 5),
        Figure("memory", say_bytes(latest.rss_bytes if latest else None), 7),
    ]
    figures.append(Figure("step", f"{history.step:,}" if latest else MISSING, 7))
    if latest and latest.gpu_percent is not None:
        figures.append(Figure("gpu", say_percent(latest.gpu_percent), 5))
    if latest and latest.gpu_memory_bytes is not None:
        figures.append(Figure("gpu memory", say_bytes(latest.gpu_memory_bytes), 8))
    return figures


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
