"""How a run ended, with what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from vae_tui.events import RunFinished
from vae_tui.runs.facts import other_program
from vae_tui.runs.files import open_file
from vae_tui.runs.find import how_to_go_on
from vae_tui.runs.history import Best, History
from vae_tui.runs.layout import Run
from vae_tui.runs.status import RunStatus
from vae_tui.text import printable
from vae_tui.tui.status import SIGNS
from vae_tui.wording import format_clock, format_count, format_nats

_TAIL_BYTES = 8_192
_TAIL_LINES = 20
_SHARE_OF_HEIGHT = 60
"""Per cent of the screen that the panel takes at the most, as the style sheet has it."""


class Ending(Static):
    """A panel that appears once the run is over; the reason first, then the checkpoint and the way on."""

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self._shown: object = None

    def show(self, run: Run, history: History, status: RunStatus, problems: Sequence[str] = ()) -> None:
        """Show how the run ended, or nothing while it goes on; `problems` came up beside it."""
        self.display = status.over
        stamp = (status, history.finished, history.now.checkpoint, self.app.size, tuple(problems))
        if not status.over or stamp == self._shown:
            return
        self._shown = stamp
        sign, color = SIGNS[status.phase]
        self.styles.border = ("round", self.app.theme_variables[color])
        self.styles.border_title_color = self.app.theme_variables[color]
        self.border_title = f"{sign} {status.phase}"
        if history.finished is not None and status.phase in (history.finished.status, history.finished.stood):
            lines = _describe_end(run, history, history.finished)
        else:
            lines = _describe_death(run, history, self.app.size)
        lines += [Content.styled(printable(problem), "$warning") for problem in problems]
        self.update(Content("\n").join(lines))


def _counted(count: int, thing: str) -> str:
    """As `counted`, of any width."""
    return f"{format_count(count)} {thing}{'s' if count != 1 else ''}"


def _describe_end(run: Run, history: History, finished: RunFinished) -> list[Content]:
    best, saved, newest = history.best, history.best_saved, history.now.checkpoint
    if finished.status == "failed":
        reason = printable(finished.reason, lines=True) or "no reason was given"
        if finished.stood is not None:
            reason = f"it could not go on, and is as it was: {reason}"
        lines = [Content.assemble((reason, "bold $error"), (f"   at step {format_count(finished.step)}", "$faint"))]
    else:
        epochs = f"{_counted(finished.epoch, 'epoch')}, {_counted(finished.step, 'step')}"
        took = f" in {format_clock(history.seconds)}" if history.seconds else ""
        lines = [Content.assemble((f"{epochs}{took}", "bold"), _describe_best(best, history.loss_name))]
        if finished.status == "stopped" and finished.reason:
            lines.append(Content.styled(printable(finished.sentence, lines=True), "$faint"))
    last = finished.checkpoint or (newest.path if newest else None)
    if other_program(history):
        pass  # it keeps its checkpoints where it likes
    elif last is None:
        lines.append(Content.styled("no checkpoint was saved", "$faint"))
    else:
        label = "last good checkpoint" if finished.status == "failed" else "checkpoint"
        lines.append(_labelled(label, str(run.path / last)))
    if saved is not None and saved.path != last:
        lines.append(
            _labelled(
                "best by validation loss" if history.loss_name else "best by validation", f"{saved.path}, beside it"
            )
        )
    if finished.status == "stopped":
        lines.append(_labelled("go on with", how_to_go_on(run)))
    return lines


def _describe_death(run: Run, history: History, size: Size) -> list[Content]:
    if run.absence:
        return [Content.styled(printable(run.absence), "bold $error")]
    lines = [Content.styled("the trainer died before its end: killed, or out of memory?", "bold $error")]
    way_on = []
    if (newest := history.now.checkpoint) is not None:
        way_on = [
            _labelled("last good checkpoint", str(run.path / newest.path)),
            _labelled("go on from there", how_to_go_on(run)),
        ]
    width, room = max(20, size.width - 6), max(3, size.height * _SHARE_OF_HEIGHT // 100 - 8)
    tail = read_tail(run.worker_log_path)
    while len(tail) > 1 and sum(-(-len(line) // width) for line in tail) > room:
        tail.pop(0)
    if tail:
        lines.append(Content.styled(f"the end of {printable(str(run.worker_log_path))}:", "$faint"))
        lines += [Content(f"  {line}") for line in tail]
    else:
        lines.append(Content.styled(f"it left nothing in {printable(str(run.worker_log_path))}", "$faint"))
    return lines + way_on


def _describe_best(best: Best | None, loss_name: str) -> str:
    if best is None:
        return ""
    if loss_name:
        elbo = "" if best.negative_elbo is None else f", −ELBO {format_nats(best.negative_elbo)}"
        return f"   best validation loss {format_nats(best.loss)} at step {format_count(best.step)}{elbo}"
    return f"   best validation −ELBO {format_nats(best.negative_elbo)} at step {format_count(best.step)}"


def _labelled(label: str, text: str) -> Content:
    return Content.assemble((f"{label}  ", "$faint"), printable(text))


def read_tail(path: Path) -> list[str]:
    """The last lines of a text file, control characters written out; none where it is not there."""
    try:
        with open_file(path) as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    lines = [printable(line.rpartition("\r")[2].expandtabs(4)) for line in text.rstrip("\n").split("\n")]
    return [line for line in lines if line.strip()][-_TAIL_LINES:]
