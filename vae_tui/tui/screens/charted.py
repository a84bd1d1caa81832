"""What screens with charts have in common: how the user wants them drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.screen import Screen

from vae_tui.runs.history import History
from vae_tui.tui.look import AXES, FIGURE_AXES, SMOOTHINGS, Look, after, panned, with_axis, zoomed
from vae_tui.tui.screens.choice import Choice, ChoiceScreen

if TYPE_CHECKING:
    from vae_tui.tui.widgets.chart import Chart

_KEYS = "1234567890"


class ChartedScreen(Screen[None]):
    """A screen whose charts are drawn as its look says, which keys and the wheel change."""

    look = Look()

    @property
    @abstractmethod
    def histories(self) -> Sequence[History]:
        """The runs in the charts, as far as they are read."""

    @property
    @abstractmethod
    def cursor_place(self) -> float | None:
        """Where the time cursor is along the horizontal axis; None: now."""

    @abstractmethod
    def change_look(self, look: Look) -> None:
        """Draw otherwise."""

    def action_next_axis(self) -> None:
        """Draw charts against steps, epochs, time of training or time of day."""
        self.change_look(with_axis(self.look, after(AXES, self.look.axis)))

    def action_choose_axis(self) -> None:
        """Ask for a figure to draw charts against."""
        measured = [name for name in FIGURE_AXES if any(len(history.train[name]) for history in self.histories)]
        choices = [Choice(key, name, FIGURE_AXES[name]) for key, name in zip(_KEYS, measured, strict=False)]
        if choices:
            self.app.push_screen(ChoiceScreen("horizontal axis", choices), self._take_axis)

    def _take_axis(self, axis: str | None) -> None:
        if axis is not None:
            self.change_look(with_axis(self.look, axis))

    def action_toggle_log_across(self) -> None:
        """Draw charts against a linear or a logarithmic axis."""
        self.change_look(replace(self.look, log_across=not self.look.log_across, zoom=0, until=None))

    def action_toggle_log(self) -> None:
        """Draw -ELBO with a linear or a logarithmic axis."""
        self.change_look(replace(self.look, log=not self.look.log))

    def action_next_smoothing(self) -> None:
        """Smooth the curves of training more, or not at all."""
        self.change_look(replace(self.look, smoothing=after(SMOOTHINGS, self.look.smoothing)))

    def action_zoom(self, by: int) -> None:
        """Look closer at the time cursor or the newest, or from further away."""
        self.change_look(zoomed(self.look, self.histories, by, self.cursor_place))

    def action_pan(self, by: float) -> None:
        """Look at what lies before or after, `by` a share of what is shown."""
        self.change_look(panned(self.look, self.histories, by))

    def on_chart_scrolled(self, event: Chart.Scrolled) -> None:
        """Zoom at the pointer."""
        self.change_look(zoomed(self.look, self.histories, event.by, event.x))
