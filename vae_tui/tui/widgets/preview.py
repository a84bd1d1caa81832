"""The run under the cursor: its curve, its newest samples, and where it failed, why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from vae_tui.runs.feed import RunFeed
from vae_tui.runs.history import History
from vae_tui.runs.status import RunStatus
from vae_tui.text import printable
from vae_tui.tui.curves import specify_elbo, stamp
from vae_tui.tui.legend import describe_curves, fitting
from vae_tui.tui.look import Look
from vae_tui.tui.status import SIGNS
from vae_tui.tui.widgets.chart import Chart
from vae_tui.tui.widgets.ending import read_tail
from vae_tui.tui.widgets.pictures import Pictures

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_LINES = 6
"""Of the log of what failed."""


class Preview(Vertical):
    """Shows what `show` is given."""

    def __init__(self) -> None:
        super().__init__()
        self._chart = Chart(id="preview-curve")
        self._samples = Pictures(id="preview-samples")
        self._text = Static(id="preview-text", markup=False)

    def compose(self) -> ComposeResult:
        """Curve, samples, text."""
        yield self._chart
        yield self._samples
        yield self._text

    def on_mount(self) -> None:
        """Name the samples; the curves are named by what there is of them."""
        self._samples.border_title = "samples"

    def clear(self) -> None:
        """Show nothing."""
        self.set_class(True, "empty")

    def show(self, feed: RunFeed, note: str) -> None:
        """Show a run, whose log was read, with its note."""
        self.set_class(False, "empty")
        history, status = feed.history, feed.status
        self._chart.show(partial(specify_elbo, history, Look()), stamp(history, Look()))
        drawn = history.now.images.get("samples")
        self._chart.display = len(history.train["negative_elbo"]) > 0
        # It may have no size yet.
        self.call_after_refresh(self._name_curves, history)
        self._samples.display = drawn is not None
        self._samples.show(feed.run, drawn)
        lines = [Content(printable(note))] if note else []
        lines += _describe_end(feed, status)
        self._text.display = bool(lines)
        self._text.update(Content("\n").join(lines))

    def _name_curves(self, history: History) -> None:
        plain = cast("PictureApp[Any]", self.app).plain
        self._chart.border_title = fitting(self._chart, describe_curves(history, plain=plain))


def _describe_end(feed: RunFeed, status: RunStatus) -> list[Content]:
    history, run = feed.history, feed.run
    if status.phase not in ("failed", "interrupted", "stopped"):
        return []
    color = f"bold ${SIGNS[status.phase][1]}"
    finished = history.finished
    if status.phase == "stopped":
        return [Content.styled("stopped before its end", color)]
    if status.phase == "failed" and finished is not None:
        lines = [Content.styled(printable(finished.reason) or "it failed without a reason", color)]
    else:
        lines = [Content.styled("its trainer died before its end: killed, or out of memory?", color)]
    tail = read_tail(run.worker_log_path)[-_LINES:]
    return lines + [Content.styled(line, "$faint") for line in tail]
