"""The first line: which run this is, and how it stands."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.history import History
from vae_tui.runs.status import RunStatus
from vae_tui.runs.verdict import Kind, judge
from vae_tui.text import printable
from vae_tui.tui.status import SIGNS, status_word
from vae_tui.wording import counted, format_clock, format_count, format_setting


class Header(Widget):
    """Name and facts on the left, state, epoch and time left on the right; facts go first where room is short."""

    def __init__(self, run_name: str) -> None:
        super().__init__()
        self._run_name = printable(run_name)
        self._facts: tuple[str, ...] = ()
        self._right: tuple[tuple[str, str], ...] = ()

    def show(self, history: History, status: RunStatus) -> None:
        """Show how the run stands."""
        facts, right = tuple(map(printable, _facts(history))), tuple(_progress(history, status))
        if (facts, right) != (self._facts, self._right):
            self._facts, self._right = facts, right
            self.refresh()

    def render(self) -> VisualType:
        """The line at its present width."""
        width = self.content_size.width
        right = Content("   ").join(Content.styled(text, style) for text, style in self._right)
        room = width - right.cell_length - 3
        name = Content.styled(self._run_name, "bold $primary").truncate(max(1, room), ellipsis=True)
        facts = list(self._facts)
        while facts and name.cell_length + 3 + len(" · ".join(facts)) > room:
            facts.pop()
        left = Content.assemble(name, "   " if facts else "", (" · ".join(facts), "$faint"))
        gap = " " * max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(left, gap, right)


_VERDICTS: dict[Kind, str] = {
    "improving": "success",
    "flat": "primary",
    "overfitting": "warning",
    "diverging": "error",
    "collapsed": "error",
}
"""The color of each verdict."""


def _facts(history: History) -> list[str]:
    recipe, training = history.recipe, history.training
    if not recipe:
        return []
    facts = [str(history.name_of_data)]
    facts.append(training.network if training else str(recipe.get("model", {}).get("network")))
    facts.append(f"beta {format_setting(recipe.get('objective', {}).get('beta'))}")
    facts.append(f"seed {recipe.get('train', {}).get('seed')}")
    if training:
        facts.append(f"{training.device}, {counted(training.threads, 'thread')}")
        facts.append(f"{format_count(training.parameter_count)} parameters")
    return facts


def _progress(history: History, status: RunStatus) -> list[tuple[str, str]]:
    sign, color = SIGNS[status.phase]
    parts = [(f"{sign} {status_word(status)}", f"bold ${color}")]
    if history.epoch and (verdict := judge(history)) is not None:
        parts.insert(0, (verdict.text, f"${_VERDICTS[verdict.kind]}"))
    if history.epoch:
        total = f"/{format_count(history.epochs)}" if history.epochs else ""
        parts.append((f"epoch {format_count(history.epoch)}{total}", ""))
    if status.live and history.eta_seconds is not None:
        parts.append((f"eta {format_clock(history.eta_seconds)}", ""))
    elif status.over and history.seconds:
        parts.append((f"took {format_clock(history.seconds)}", ""))
    return parts
