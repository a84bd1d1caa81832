"""The terminal, asked what it can show without a screen being opened."""

from __future__ import annotations

import codecs
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Mapping

from vae_tui.doctor.findings import Finding, State
from vae_tui.imaging.clipboard import TMUX_ADVICE
from vae_tui.imaging.replies import PATIENCE, Answers, ReplyFilter
from vae_tui.imaging.terminal import (
    Abilities,
    ask_terminal,
    detect_encoding,
    find_multiplexer,
    judge_terminal,
    read_window,
)
from vae_tui.imaging.tmux import Tmux, ask_tmux

_LEAST_ROWS, _LEAST_COLUMNS = 24, 80
_DISTANT = 0.1
"""Seconds of a round trip from which on keys feel late whatever a program does."""
_MODE_NAMES = {
    "kitty": "kitty graphics",
    "sixel": "sixel",
    "octant": "octants",
    "sextant": "sextants",
    "quadrant": "quadrants",
    "half": "half blocks",
    "ascii": "characters",
}


def examine_terminal(*, until: Callable[[], bool]) -> list[Finding]:
    """Ask the terminal on stdin, if there is one, and judge it; late answers are taken `until` that says so."""
    if not sys.stdin.isatty():
        why = "stdin is not a terminal"
        return [Finding("terminal", "fair", "none to ask", why, "run vae-tui doctor in the terminal it is about")]
    descriptor = os.open(os.ttyname(sys.stdin.fileno()), os.O_RDWR | os.O_NOCTTY)
    try:
        answers = _ask(descriptor, until)
        window = read_window(descriptor)
    finally:
        os.close(descriptor)
    return judge(os.environ, answers, window, detect_encoding(os.environ), ask_tmux(os.environ))


def judge(
    environment: Mapping[str, str],
    answers: Answers,
    window: tuple[int, int, int, int],
    encoding: str,
    tmux: Tmux | None = None,
) -> list[Finding]:
    """What to say of a terminal that answered so, whose window is rows, columns, height and width in pixels."""
    abilities = judge_terminal(environment, answers, window, tmux)
    return [
        _judge_terminal(environment, answers, window, encoding),
        _judge_pictures(environment, answers, abilities, tmux),
        _judge_colors(environment, answers, abilities),
        _judge_cell(abilities),
        _judge_copying(environment, answers),
    ]


def _ask(descriptor: int, until: Callable[[], bool]) -> Answers:
    question = ask_terminal(os.environ)
    if not question or not _in_foreground(descriptor):
        return Answers()
    replies = ReplyFilter()
    before = termios.tcgetattr(descriptor)
    # Neither echoed nor kept for a whole line, while Ctrl-C still interrupts.
    tty.setcbreak(descriptor, termios.TCSADRAIN)
    try:
        began = time.monotonic()
        replies.ask(began)
        os.write(descriptor, question.encode())
        while not replies.answers.complete and (time.monotonic() - began < PATIENCE or not until()):
            if select.select([descriptor], [], [], 0.05)[0]:
                replies.feed(os.read(descriptor, 4096), time.monotonic())
    finally:
        # What came too late to be understood must not be typed into the shell.
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
    return replies.answers


def _in_foreground(descriptor: int) -> bool:
    """Whether this process may change the terminal; in the background it would be stopped for it."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # not the terminal that controls this process


def _judge_terminal(
    environment: Mapping[str, str], answers: Answers, window: tuple[int, int, int, int], encoding: str
) -> Finding:
    rows, columns, _, _ = window
    multiplexer = find_multiplexer(environment, answers)
    name = answers.name or environment.get("TERM_PROGRAM") or environment.get("TERM") or "unknown"
    inside = f", inside {multiplexer}" if multiplexer and multiplexer not in name.lower() else ""
    if answers.seconds is not None:
        why = f"TERM={environment.get('TERM', '')}; it answered after {1000 * answers.seconds:.0f} ms"
    elif not ask_terminal(environment):
        why = "not asked: NO_COLOR is set" if environment.get("NO_COLOR") else "not asked: TERM names a plain terminal"
    else:
        why = f"TERM={environment.get('TERM', '')}; it did not answer"
    state: State = "good"
    advice = []
    if _is_no_unicode(encoding):
        state = "fair"
        advice.append(f"the locale's encoding is {encoding}, so all is drawn in its letters: export LC_ALL=C.UTF-8")
    if rows and columns and (rows < _LEAST_ROWS or columns < _LEAST_COLUMNS):
        state = "fair" if state == "good" else state
        advice.append(f"the screens are made for {_LEAST_COLUMNS} x {_LEAST_ROWS} and more: make the window larger")
    if answers.seconds is not None and answers.seconds > _DISTANT:
        advice.append("it is far away: keys are answered that much later; --images half or ascii sends least")
    facts = {
        "name": answers.name or None,
        "term": environment.get("TERM"),
        "multiplexer": multiplexer or None,
        "columns": columns or None,
        "rows": rows or None,
        "encoding": encoding,
        "answer_seconds": answers.seconds,
    }
    size = f", {columns} x {rows} cells" if rows and columns else ""
    return Finding("terminal", state, f"{name}{inside}{size}", why, "; ".join(advice), facts)


def _is_no_unicode(encoding: str) -> bool:
    return not codecs.lookup(encoding).name.startswith("utf")


def _judge_pictures(
    environment: Mapping[str, str], answers: Answers, abilities: Abilities, tmux: Tmux | None
) -> Finding:
    best = abilities.modes[0]
    others = [_MODE_NAMES[mode] for mode in abilities.modes[1:]]
    found = _MODE_NAMES[best] + (f"; also {', '.join(others)}" if others else "")
    why = "; ".join(f"{_MODE_NAMES[mode]}: {abilities.why[mode]}" for mode in ("kitty", "sixel"))
    multiplexer = find_multiplexer(environment, answers)
    advice = ""
    if best == "ascii":
        advice = "unset NO_COLOR, and set TERM to what your terminal is, for pictures in colours"
        if not environment.get("NO_COLOR") and ask_terminal(environment):
            advice = "set TERM to what your terminal is (xterm-256color, say), for pictures in colours"
    elif tmux is not None and not tmux.passes and any(one.knows_placeholders for one in tmux.terminals):
        advice = "for pictures as sharp as outside of tmux, in ~/.tmux.conf: set -g allow-passthrough on"
    elif best == "half" and multiplexer == "tmux":
        advice = "tmux 3.4 and later passes sixels on where it was built with them and your terminal knows them"
    elif best == "half" and multiplexer == "screen":
        advice = "tmux, or no multiplexer, would show sharper pictures"
    elif best == "half" and answers.complete:
        advice = "kitty, foot, WezTerm, Ghostty, iTerm2 or xterm -ti vt340 show sharper pictures"
    state: State = "fair" if best == "ascii" else "good"
    facts = {"modes": list(abilities.modes), "why": {mode: abilities.why[mode] for mode in _MODE_NAMES}}
    return Finding("pictures", state, found, why, advice, facts)


def _judge_colors(environment: Mapping[str, str], answers: Answers, abilities: Abilities) -> Finding:
    names = {"truecolor": "16 million", "256": "256", "16": "16", "none": "none"}
    advice = ""
    if abilities.colors in ("256", "16"):
        advice = "if your terminal can show more, export COLORTERM=truecolor (ssh does not pass it on by itself)"
        if find_multiplexer(environment, answers) == "tmux":
            advice += "; in ~/.tmux.conf: set -as terminal-features ',*:RGB'"
    elif abilities.colors == "none" and environment.get("NO_COLOR"):
        advice = "unset NO_COLOR for colours"
    state: State = "good" if abilities.colors in ("truecolor", "256") else "fair"
    facts = {"colors": abilities.colors}
    return Finding("colours", state, names[abilities.colors], abilities.why["colors"], advice, facts)


def _judge_copying(environment: Mapping[str, str], answers: Answers) -> Finding:
    multiplexer = find_multiplexer(environment, answers)
    advice = {"tmux": TMUX_ADVICE, "screen": "screen drops it: run in tmux, or without either"}.get(multiplexer, "")
    why = "terminals do not say whether they take it; some ask first, or have to be allowed"
    state: State = "fair" if multiplexer == "screen" else "good"
    return Finding("copying", state, "Y sends OSC 52", why, advice)


def _judge_cell(abilities: Abilities) -> Finding:
    cell = abilities.cell
    graphics = abilities.modes[0] in ("kitty", "sixel")
    found = f"{cell[1]} x {cell[0]} pixels" if cell else "not known"
    advice = "pictures may come out too large or too small: --images half" if graphics and cell is None else ""
    facts = {"height": cell[0] if cell else None, "width": cell[1] if cell else None}
    return Finding("cell size", "fair" if advice else "good", found, abilities.why["cell"], advice, facts)
