"""The first line: which run this is, and how it stands."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widget import Widget

from vae_tui.runs.facts import describe_device, other_program
from vae_tui.runs.history import History
from vae_tui.runs.status import RunStatus
from vae_tui.runs.verdict import Kind, Verdict, judge
from vae_tui.text import printable
from vae_tui.tui.status import SIGNS, status_word
from vae_tui.wording import format_clock, format_count, format_setting

Words = tuple[str, str]
"""A text and its style."""
_NAME = 24
"""So many cells of a run's name are worth more than the words on the right."""


class Header(Widget):
    """Name and facts on the left, state, epoch and time left on the right; facts go first where room is short.

    Then the verdict becomes a word, and goes, and at last the time.
    """

    def __init__(self, run_name: str) -> None:
        super().__init__()
        self._run_name = printable(run_name)
        self._facts: tuple[str, ...] = ()
        self._rights: list[list[Words]] = [[]]
        self._judged_by: object = None
        self._verdict: Verdict | None = None

    def show(self, history: History, status: RunStatus, *, judged: bool = True) -> None:
        """Show how the run stands, and, where that is what is looked at, the verdict on it."""
        validations, reports = len(history.validation["loss"].rows), len(history.train["loss"].rows)
        judged_by = id(history), history.same_loss_since, validations or reports, history.epoch > 0
        if judged_by != self._judged_by:
            self._judged_by, self._verdict = judged_by, judge(history) if history.epoch else None
        facts, rights = (
            tuple(map(printable, _facts(history))),
            _progress(history, status, self._verdict if judged else None),
        )
        if (facts, rights) != (self._facts, self._rights):
            self._facts, self._rights = facts, rights
            self.refresh()

    def render(self) -> VisualType:
        """The line at its present width."""
        width = self.content_size.width
        wordings = [Content("   ").join(Content.styled(text, style) for text, style in right) for right in self._rights]
        enough = min(len(self._run_name), _NAME) + 3
        right = next((right for right in wordings if width - right.cell_length >= enough), wordings[-1])
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
    facts = [history.name_of_data or ""]
    facts.append((training.network if training else "") or str(recipe.get("model", {}).get("network", "")))
    if (beta := recipe.get("objective", {}).get("beta")) is not None:
        facts.append(f"beta {format_setting(beta)}")
    if (seed := recipe.get("train", {}).get("seed")) is not None:
        facts.append(f"seed {seed}")
    if program := other_program(history):
        facts.append(f"by {program}")
    if training:
        facts.append(describe_device(training))
        facts.append(f"{format_count(training.parameter_count)} parameters" if training.parameter_count else "")
    return [fact for fact in facts if fact]


def _progress(history: History, status: RunStatus, verdict: Verdict | None) -> list[list[Words]]:
    """How the run stands, in ever fewer words."""
    sign, color = SIGNS[status.phase]
    parts: list[Words] = [(f"{sign} {status_word(status)}", f"bold ${color}")]
    if history.epoch:
        total = f"/{format_count(history.epochs)}" if history.epochs else ""
        parts.append((f"epoch {format_count(history.epoch)}{total}", ""))
    clock: list[Words] = []
    if status.live and history.eta_seconds is not None:
        clock = [(f"eta {format_clock(history.eta_seconds)}", "")]
    elif status.over and history.seconds:
        clock = [(f"took {format_clock(history.seconds)}", "")]
    saved = [(f"saved step {format_count(history.saved[-1])}", "$faint")] if history.saved else []
    wordings = [[*parts, *clock], parts, parts[:1]]
    if verdict is not None:
        color = f"${_VERDICTS[verdict.kind]}"
        wordings[:0] = [[(words, color), *parts, *clock] for words in (verdict.text, verdict.kind)]
    return [[*saved, *wordings[0]], *wordings]
