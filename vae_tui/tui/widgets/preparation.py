"""What the trainer does before it trains, and for how long it has."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.history import Stage
from vae_tui.text import printable

_BAR = 32


class Preparation(Widget):
    """The stages so far, the present one with its progress and the seconds it has taken."""

    def __init__(self, waiting_for: str) -> None:
        super().__init__()
        self._waiting_for = waiting_for
        self._stages: tuple[Stage, ...] = ()
        self._elapsed = 0

    def show(self, stages: tuple[Stage, ...], *, now: float, began: float, waiting_for: str | None) -> None:
        """Show how far it is at `now`; it all began at `began`, both in Unix seconds."""
        elapsed = max(0, int(now - (stages[-1].began if stages else began)))
        waiting_for = waiting_for or self._waiting_for
        if (stages, elapsed, waiting_for) != (self._stages, self._elapsed, self._waiting_for):
            self._stages, self._elapsed, self._waiting_for = stages, elapsed, waiting_for
            self.refresh()

    def render(self) -> VisualType:
        """One line a stage; as many of the latest as there is room for."""
        width = self.content_size.width
        if not self._stages:
            return Content.assemble(("▸ ", "bold $primary"), self._waiting_for, (f"   {self._elapsed} s", "$faint"))
        lines = []
        for stage in self._stages[:-1]:
            took = f"{stage.updated - stage.began:.1f} s"
            lines.append(
                Content.assemble(
                    ("✓ ", "$success"), (f"{printable(stage.name):<{_BAR}}", "$faint"), (f" {took:>8}", "$faint")
                )
            )
        lines += self._describe_present(self._stages[-1], width)
        room = max(2, self.content_size.height)
        return Content("\n").join(lines[-room:])

    def _describe_present(self, stage: Stage, width: int) -> list[Content]:
        took = f"{self._elapsed} s"
        lines = [
            Content.assemble(
                ("▸ ", "bold $primary"), (f"{printable(stage.name):<{_BAR}}", "bold"), (f" {took:>8}", "$faint")
            )
        ]
        if stage.total:
            length = max(8, min(_BAR, width - 12))
            share = min(1.0, stage.done / stage.total)
            full = round(share * length)
            bar = (("━" * full, "$primary"), ("━" * (length - full), "$line"))
            lines.append(Content.assemble("  ", *bar, f" {100 * share:>6.0f} %"))
            lines.append(Content.styled(f"  {stage.done:,} of {stage.total:,}", "$faint"))
        return lines
