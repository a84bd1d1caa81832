"""The latest figures, each under its name."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.history import History, Moment
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
    """A table of one row, of a moment of a run; the last figures go first where room is short."""

    def __init__(self) -> None:
        super().__init__()
        self._figures: tuple[Figure, ...] = tuple(_figures(History(), Moment()))

    def show(self, history: History, moment: Moment) -> None:
        """Show the figures of a moment of the run."""
        figures = tuple(_figures(history, moment))
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


def _figures(history: History, moment: Moment) -> list[Figure]:
    train, validation, best = moment.train, moment.validation, moment.best
    figures = [
        Figure("−ELBO", say_nats(train.get("negative_elbo")), 6, "$primary"),
        Figure("validation", say_nats(validation.get("negative_elbo")), 6, "$accent"),
    ]
    if history.loss_name:
        figures.append(Figure("loss", say_nats(train.get("loss")), 6, "$loss"))
        figures.append(Figure("best loss", say_nats(best.loss if best else None), 6, "$warning"))
    else:
        figures.append(Figure("best", say_nats(best.negative_elbo if best else None), 6, "$warning"))
    figures += [
        Figure("distortion", say_nats(train.get("distortion")), 6, "$secondary"),
        Figure("rate", say_nats(train.get("rate")), 5, "$rate"),
        Figure("beta", say_setting(train.get("beta")), 4),
        Figure("lr", say_setting(train.get("lr")), 5),
        Figure("images/s", say_speed(train.get("images_per_second")), 6),
        Figure("cpu", say_percent(train.get("cpu_percent")), 5),
        Figure("memory", say_bytes(train.get("rss_bytes")), 7),
        Figure("step", f"{moment.step:,}" if train else MISSING, 7),
    ]
    if (percent := train.get("gpu_percent")) is not None:
        figures.append(Figure("gpu", say_percent(percent), 5))
    if (memory := train.get("gpu_memory_bytes")) is not None:
        figures.append(Figure("gpu memory", say_bytes(memory), 8))
    return figures
