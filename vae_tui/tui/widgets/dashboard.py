"""The panes of the training screen and how they stand at each size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize
from textual.widget import Widget

from vae_tui.runs.facts import other_program
from vae_tui.runs.history import History, Moment
from vae_tui.runs.layout import Run
from vae_tui.tui.curves import SIGNS, can_be_log, specify_balance, specify_elbo, stamp
from vae_tui.tui.legend import describe_curves, fitting
from vae_tui.tui.look import FIGURE_AXES, Look, describe_axis, with_axis
from vae_tui.tui.widgets.chart import Chart
from vae_tui.tui.widgets.figure_page import FigurePage
from vae_tui.tui.widgets.heatmap import RateHeatmap
from vae_tui.tui.widgets.pictures import GridKind, Pictures
from vae_tui.tui.widgets.rates import RateBars

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

PANES = ("elbo", "samples", "balance", "rates", "reconstructions")
_BESIDE = ("samples", "reconstructions", "balance", "rates")
_ALONE = (*PANES, "heatmap", "figures")
"""The panes that are shown by themselves, one after the other; the last two only so."""
_WIDE, _HIGH, _TALL = 100, 30, 36
_TINY_WIDTH, _TINY_HEIGHT = 60, 12
"""Below them two panes side by side are two that nobody can read."""


class Dashboard(Container):
    """Charts and pictures; all at once where there is room, else the first chart and one other, else one.

    `next_view` goes through the others, then through each of them alone, the rates over time and a page of all figures.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._elbo = Chart(id="elbo")
        self._balance = Chart(id="balance")
        self._rates = RateBars(id="rates")
        self._run = run
        self._samples = Pictures(id="samples")
        self._reconstructions = Pictures(id="reconstructions")
        self._heatmap = RateHeatmap(id="heatmap")
        self._figures = FigurePage(id="figures")
        self._views: list[tuple[str, ...]] = [PANES]
        self._view = 0
        self._history: History | None = None
        self._moment = Moment()
        self._look = Look()
        self._titles: dict[Widget, tuple[str, str | None]] = {}

    def compose(self) -> ComposeResult:
        """The panes in the order they stand, left to right and down."""
        yield self._elbo
        yield self._samples
        yield self._balance
        yield self._rates
        yield self._reconstructions
        yield self._heatmap
        yield self._figures

    def on_mount(self) -> None:
        """Find the panes' places, and name curves by what they are drawn with."""
        self._arrange()
        self.watch(self.app, "picture_mode", self._entitle, init=False)

    def on_resize(self, event: Resize) -> None:
        """Fold or unfold."""
        width, height = event.size
        folded = width < _WIDE or height < _HIGH - 5
        alone: list[tuple[str, ...]] = [(pane,) for pane in _ALONE]
        views = [PANES, *alone]
        if width < _TINY_WIDTH or height < _TINY_HEIGHT:
            views = alone
        elif folded:
            views = [*(("elbo", pane) for pane in _BESIDE), *alone]
        if views != self._views:
            self._views, self._view = views, 0
        self.set_class(folded and width < _WIDE and height >= _TALL - 5, "stacked")
        self._arrange()
        self.call_after_refresh(self._entitle)

    async def show_figures(self, figures: Sequence[str]) -> None:
        """Show the page of figures, with charts of these."""
        await self._figures.choose(figures)
        self.next_view(self._views.index(("figures",)) - self._view)

    @property
    def grid_in_sight(self) -> GridKind | None:
        """Of which kind a picture is that is opened by itself: of the pane shown alone, or a sample where there are any."""
        kinds: tuple[GridKind, ...] = ("samples", "reconstructions")
        there = [kind for kind in kinds if self._history is not None and self._history.grid_steps(kind)]
        return next((kind for kind in there if (kind,) == self._views[self._view]), there[0] if there else None)

    async def on_pictures_tile_clicked(self, event: Pictures.TileClicked) -> None:
        """Show the picture that was clicked, large."""
        await self.run_action(f"screen.open_tile('{event.kind}', {event.index})")

    def next_view(self, steps: int = 1) -> None:
        """Show the next panes, or all again; with `steps` -1, the ones before."""
        self._view = (self._view + steps) % len(self._views)
        self._arrange()
        self.show_charts()
        self.call_after_refresh(self._entitle)

    def _arrange(self) -> None:
        seen = self._views[self._view]
        self.set_class(len(seen) == 2, "folded")
        self.set_class(len(seen) == 1, "alone")
        for pane in self.children:
            pane.display = pane.id in seen

    def show(self, history: History, moment: Moment, look: Look) -> None:
        """Show the pictures and rates of a moment; charts have their own pace."""
        self._history, self._moment, self._look = history, moment, look
        then = look.at is not None
        self._samples.show(self._run, moment.images.get("samples"), at_once=then)
        self._reconstructions.show(self._run, moment.images.get("reconstructions"), at_once=then)
        self._rates.show(moment, may_come=not (other_program(history) and history.validation["loss"].rows))
        self._entitle()

    def show_charts(self) -> None:
        """Draw the charts anew where their data changed."""
        if self._history is not None:
            drawn = stamp(self._history, self._look)
            self._elbo.show(partial(specify_elbo, self._history, self._look), drawn)
            self._balance.show(partial(specify_balance, self._history, self._look), drawn)
            if self._heatmap.display:
                look = with_axis(self._look, "step") if self._look.axis in FIGURE_AXES else self._look
                self._heatmap.show(self._history, look)
            if self._figures.display:
                self._figures.show(self._history, self._look)

    def _entitle(self) -> None:
        history, look = self._history, self._look
        if history is None:
            return
        plain = cast("PictureApp[Any]", self.app).plain
        legend = describe_curves(history, plain=plain)
        both = "[b $secondary]distortion[/] + [b $rate]rate[/]"
        if plain:
            both = f"[b $secondary]{SIGNS['distortion']} distortion[/]  [b $rate]{SIGNS['rate']} rate[/]"
        self._set_titles(self._elbo, legend, _describe_look(history, look))
        self._set_titles(self._balance, [f"{both}  [$faint]nats/image[/]", both], [""])
        self._set_titles(
            self._rates,
            ["[b]KL per latent dimension[/]  [$faint]nats[/]", "[b]KL per dimension[/]  [$faint]nats[/]"],
            [_describe_active(self._moment)],
        )
        self._set_titles(
            self._heatmap,
            ["[b]KL per latent dimension[/] over the run  [$faint]nats[/]", "[b]KL per dimension[/]"],
            [f"[$faint]x:[/] {describe_axis(look, [history])}"],
        )
        self._set_titles(
            self._figures,
            ["[b]figures of training[/]  [$faint]F chooses[/]"],
            [f"[$faint]x:[/] {describe_axis(look, [history])}"],
        )
        prior = f"  [$faint]z ~ {'N(0, I)' if history.prior_is_normal else 'p(z)'}[/]"
        self._set_titles(self._samples, [f"[b]samples[/]{'' if other_program(history) else prior}"], None)
        self._set_titles(
            self._reconstructions,
            ["[b]reconstructions[/]  [$faint]below their data[/]", "[b]reconstructions[/]"],
            None,
        )

    def _set_titles(self, pane: Widget, titles: list[str], subtitles: list[str] | None) -> None:
        """Give a pane the first wordings its border has room for; setting what is there already would redraw it."""
        if not pane.outer_size.width:
            return
        title, subtitle = fitting(pane, titles), fitting(pane, subtitles) if subtitles is not None else None
        if self._titles.get(pane) != (title, subtitle):
            self._titles[pane] = title, subtitle
            pane.border_title = title
            if subtitle is not None:
                pane.border_subtitle = subtitle


def _describe_look(history: History, look: Look) -> list[str]:
    scale = ("log" if can_be_log(history) else "lin, not all are > 0") if look.log else "lin"
    x, y = f"[$faint]x:[/] {describe_axis(look, [history])}", f"[$faint]y:[/] {scale}"
    return [f"{x}   {y}   [$faint]smooth[/] {look.smoothing:g}", f"{x}  {y}", x]


def _describe_active(moment: Moment) -> str:
    dimensions, active = len(moment.rate_per_dimension), moment.active_dimensions
    color = "$error" if active == 0 else "$foreground"
    return f"[{color}]active {active}/{dimensions}[/]" if dimensions else ""
