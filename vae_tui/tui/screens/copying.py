"""What is copied to the clipboard of the terminal: chosen from what there is, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from textual.app import App

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.clipboard import TMUX_ADVICE
from vae_tui.runs.excerpts import (
    command_for,
    describe_moment,
    path_of,
    read_recipe_text,
    tabulate_moment,
    tabulate_summaries,
)
from vae_tui.runs.history import Moment
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import Summary
from vae_tui.tui.screens.choice import Choice, ChoiceScreen
from vae_tui.wording import counted

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp


@dataclass(frozen=True)
class Copy:
    """Something to copy: what to choose, and its text, which may raise VaeTuiError."""

    choice: Choice
    text: Callable[[], str]


def copies_of_moment(run: Run, moment: Moment, *, live: bool) -> list[Copy]:
    """What there is to copy of one run, as it was at a moment."""
    command = command_for(run, live=live)
    return [
        Copy(Choice("s", "summary", "its path and figures, to read"), lambda: describe_moment(run, moment)),
        Copy(Choice("p", "path", path_of(run)), lambda: path_of(run)),
        Copy(Choice("r", "command", command), lambda: command),
        Copy(Choice("f", "figures", "tab-separated, for a spreadsheet"), lambda: tabulate_moment(moment)),
        Copy(Choice("t", "recipe", "as TOML"), lambda: read_recipe_text(run)),
    ]


def copies_of_runs(runs: Sequence[Summary]) -> list[Copy]:
    """What there is to copy of runs in a list."""
    listed = [(Run(run.path), run.live) for run in runs]
    paths = [path_of(run) for run, _ in listed]
    commands = [command_for(run, live=live) for run, live in listed]
    alone = len(runs) == 1
    copies = [
        Copy(Choice("p", "path" if alone else "paths", paths[0] if alone else "a line each"), lambda: "\n".join(paths)),
        Copy(
            Choice("r", "command" if alone else "commands", commands[0] if alone else "a line each"),
            lambda: "\n".join(commands),
        ),
        Copy(Choice("f", "figures", "tab-separated, for a spreadsheet"), lambda: tabulate_summaries(runs)),
    ]
    return (
        [*copies, Copy(Choice("t", "recipe", "as TOML"), lambda: read_recipe_text(listed[0][0]))] if alone else copies
    )


def offer_copies(app: App[Any], name: str, copies: Sequence[Copy], report: Callable[[str], None]) -> None:
    """Ask what to copy, copy it, and report that."""

    def answered(chosen: str | None) -> None:
        for copy in copies:
            if copy.choice.name == chosen:
                report(_copy(app, copy))

    app.push_screen(ChoiceScreen(f"copy of {name}", [copy.choice for copy in copies]), answered)


def _copy(app: App[Any], copy: Copy) -> str:
    try:
        text = copy.text()
    except VaeTuiError as error:
        return str(error)
    app.copy_to_clipboard(text)
    lines = text.splitlines()
    what = lines[0] if len(lines) == 1 else counted(len(lines), "line")
    advice = f"   {TMUX_ADVICE}" if cast("PictureApp[Any]", app).is_in_tmux else ""
    return f"copied the {copy.choice.name}: {what}{advice}"
