"""Asks which figures have charts on the page of all figures."""

from __future__ import annotations

from vae_tui.runs.history import History
from vae_tui.tui.figure_names import figures_of
from vae_tui.tui.screens.prompt import PromptScreen

_MOST = 60
"""Suggestions at once."""


def ask_for_figures(history: History) -> PromptScreen:
    """A prompt for the names of figures of a run."""
    known = figures_of(history)

    def suggest(text: str) -> list[tuple[str, str]]:
        *before, last = text.split(" ")
        start = " ".join(before) + (" " if before else "")
        return [(start + name, title) for name, title in known.items() if last in name and name not in before][:_MOST]

    def check(text: str) -> str | None:
        strange = [name for name in text.split() if name not in known]
        return f"the run has no figure {strange[0]!r}" if strange else None

    hint = "figures with a space between; z3 is the KL of latent dimension 3; nothing: the usual ones"
    return PromptScreen("figures with a chart", hint, suggest=suggest, check=check)
