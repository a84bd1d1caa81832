"""What a terminal can show: by its environment at first, and by what it answers once it has."""

from __future__ import annotations

import codecs
import fcntl
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from vae_tui.imaging.block_glyphs import MOSAICS, Mosaic, mosaics_of
from vae_tui.imaging.replies import OCTANT_QUERY, Answers
from vae_tui.imaging.tmux import Tmux
from vae_tui.text import printable

Colors = Literal["truecolor", "256", "16", "none"]
Mode = Literal["kitty", "sixel", "octant", "sextant", "quadrant", "half", "ascii"]
"""How pictures are drawn: as the terminal's own graphics, as mosaics or half blocks in colours, or as characters."""
Glyphs = Literal["all", "blocks", "ascii"]
"""Which characters there are: braille and all, half blocks but no braille, or only those of ASCII."""
LARGEST_CELL = 512
"""Pixels; a cell that is reported larger is not believed."""
MODES: tuple[Mode, ...] = get_args(Mode)
"""Best first."""

_TRUECOLOR_TERMINALS = ("alacritty", "contour", "foot", "ghostty", "iterm2", "kitty", "wezterm", "direct")
_COLORFUL_TERMINALS = ("linux", "xterm", "rxvt", "screen", "tmux", "konsole", "color", "ansi", "cygwin", "vte", "st-")


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Whether a terminal is said to show lines of text and no more."""
    return environment.get("TERM", "").lower() in ("", "dumb", "unknown")


def detect_colors(environment: Mapping[str, str]) -> Colors:
    """How many colours there are, by COLORTERM, TERM and NO_COLOR (https://no-color.org)."""
    term = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR") or is_dumb(environment):
        return "none"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    if any(name in term for name in _TRUECOLOR_TERMINALS):
        return "truecolor"
    if "256" in term:
        return "256"
    return "16" if any(name in term for name in _COLORFUL_TERMINALS) else "none"


def detect_encoding(environment: Mapping[str, str]) -> str:
    """What a terminal takes its bytes for, as far as its locale says; where that says nothing, UTF-8."""
    given = environment.get("PYTHONIOENCODING", "").partition(":")[0]
    for variable in ("LC_ALL", "LC_CTYPE", "LANG"):
        if not given and (locale := environment.get(variable, "")):
            whole = locale.partition("@")[0]
            # What a locale without an encoding means is Latin-1; some are nothing but one.
            given = whole.partition(".")[2] or (whole if "UTF" in whole else "latin-1")
            given = "ascii" if whole in ("C", "POSIX") else given
    try:
        return codecs.lookup(given or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"


def detect_glyphs(environment: Mapping[str, str]) -> Glyphs:
    """Which characters a terminal has, by its encoding and by TERM."""
    if not detect_encoding(environment).startswith("utf"):
        return "ascii"
    term = environment.get("TERM", "").lower()
    if term == "linux" or term.startswith(("cygwin", "cons25", "ansi")):
        return "blocks"
    return "ascii" if detect_colors({**environment, "NO_COLOR": ""}) == "none" else "all"


@dataclass(frozen=True)
class Abilities:
    """What a terminal can show, and why that is thought."""

    modes: tuple[Mode, ...]
    """The ways to draw pictures, best first."""
    colors: Colors
    cell: tuple[int, int] | None
    """Height and width of a cell in pixels, where it is known."""
    glyphs: Glyphs
    """The characters there are."""
    encoding: str
    """What it takes its bytes for."""
    why: Mapping[str, str]
    """Of every mode, "colors" and "cell", what each is owed to."""


def ask_terminal(environment: Mapping[str, str]) -> str:
    """What to write to a terminal so that it says what it can do; empty where it should not be asked.

    In this order: inside tmux whether it keeps octants; kitty graphics, its name, the size of a cell and of its text in pixels,
    whether it keeps an exact colour, and primary device attributes, which every terminal answers, so that theirs is the last answer. With NO_COLOR
    only these, to learn how far away it is.
    """
    if is_dumb(environment):
        return ""
    if environment.get("NO_COLOR"):
        return "\x1b[c"
    multiplexer = find_multiplexer(environment)
    octants = multiplexer == "tmux" and detect_encoding(environment).startswith("utf")
    strings = not multiplexer and environment.get("TERM_PROGRAM") != "Apple_Terminal"
    graphics = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
    color = "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m"
    # screen hands such strings to whatever terminal it happens to be in, and Terminal.app prints them.
    return f"{OCTANT_QUERY * octants}{graphics * strings}\x1b[>0q\x1b[16t\x1b[14t{color * strings}\x1b[c"


def read_window(fileno: int) -> tuple[int, int, int, int]:
    """Rows, columns, height and width in pixels of a terminal, as the kernel knows them; 0 where it does not."""
    try:
        packed = fcntl.ioctl(fileno, termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return 0, 0, 0, 0
    rows, columns, width, height = struct.unpack("HHHH", packed)
    return rows, columns, height, width


def find_multiplexer(environment: Mapping[str, str], answers: Answers | None = None) -> str:
    """ "tmux", "screen" or nothing: by the environment, which ssh does not pass on whole, and by what is answered."""
    name = answers.name.lower() if answers is not None else ""
    if environment.get("TMUX") or name.startswith("tmux"):
        return "tmux"
    if environment.get("STY") or name.startswith("screen"):
        return "screen"
    term = environment.get("TERM", "").lower()
    return next((kind for kind in ("tmux", "screen") if term.startswith(kind)), "")


def judge_terminal(
    environment: Mapping[str, str],
    answers: Answers | None = None,
    window: tuple[int, int, int, int] | None = None,
    tmux: Tmux | None = None,
) -> Abilities:
    """What a terminal can show by its environment, what it answered so far, its window, and the tmux that it is of.

    `window` is rows, columns, height and width in pixels, as the kernel knows it; zero pixels mean unknown.
    """
    multiplexer = find_multiplexer(environment, answers)
    why: dict[str, str] = {}
    modes: list[Mode] = []
    reason = "NO_COLOR is set" if environment.get("NO_COLOR") else "TERM is dumb" if is_dumb(environment) else ""
    if reason or answers is None or not (answers.complete or answers.kitty):
        why["kitty"] = why["sixel"] = f"{reason}: not asked" if reason else "the terminal has not answered"
    else:
        kitty, why["kitty"] = _judge_kitty(multiplexer, answers, tmux)
        if kitty:
            modes.append("kitty")
        sixel, why["sixel"] = _judge_sixel(environment, multiplexer, answers, tmux)
        if sixel:
            modes.append("sixel")
    colors, why["colors"] = _judge_colors(environment, answers, tmux)
    why["half"] = f"colours: {colors}" if colors != "none" else "no colours"
    why["ascii"] = "always"
    encoding, glyphs = detect_encoding(environment), detect_glyphs(environment)
    mosaics, reasons = _judge_mosaics(multiplexer, answers or Answers(), tmux)
    why |= reasons
    if not encoding.startswith("utf"):
        why |= dict.fromkeys(("half", *MOSAICS), f"none in {encoding}")
        modes += ["ascii"]
    else:
        modes += ["ascii", "half"] if colors == "none" else [*mosaics, "half", "ascii"]
    cell, why["cell"] = _judge_cell(answers, window)
    return Abilities(tuple(modes), colors, cell, glyphs, encoding, why)


def _judge_kitty(multiplexer: str, answers: Answers, tmux: Tmux | None) -> tuple[bool, str]:
    """Whether kitty's graphics are seen, and why."""
    if not multiplexer:
        return (
            answers.kitty,
            "the terminal answered the graphics query" if answers.kitty else "the query went unanswered",
        )
    if multiplexer != "tmux" or tmux is None:
        return False, f"not inside {multiplexer}, which does not say what the terminal around it draws"
    if not tmux.terminals or not all(terminal.knows_placeholders for terminal in tmux.terminals):
        return False, f"{_name_all(tmux)} is not known to draw them inside tmux"
    passes = "and tmux passes them on" if tmux.passes else "but tmux does not pass them on"
    return tmux.passes, f"{_name_all(tmux)} draws them, {passes}"


def _judge_sixel(
    environment: Mapping[str, str], multiplexer: str, answers: Answers, tmux: Tmux | None
) -> tuple[bool, str]:
    """Whether sixels are seen, and why. A tmux that knows them shows a box of signs in terminals that do not."""
    listed = 4 in answers.attributes
    who = multiplexer or "the terminal"
    if listed and multiplexer == "tmux" and environment.get("TMUX"):
        if tmux is None:
            return False, "tmux has not said which terminal is around it"
        if not tmux.terminals or not all("sixel" in terminal.features for terminal in tmux.terminals):
            return False, f"tmux knows them, but does not take {_name_all(tmux)} to"
    around = [terminal.name for terminal in tmux.terminals] if tmux is not None else []
    if listed and any(name.lower().startswith("konsole") for name in (answers.name, *around)):
        return False, "Konsole lists them, but paints over the cells beside them too"
    return listed, f"{who} {'lists' if listed else 'does not list'} 4 among its attributes"


def _name_all(tmux: Tmux) -> str:
    """The terminals around a tmux, by name."""
    return ", ".join(sorted({printable(one.name) for one in tmux.terminals if one.name})) or "the terminal around it"


def _judge_mosaics(multiplexer: str, answers: Answers, tmux: Tmux | None) -> tuple[tuple[Mosaic, ...], dict[str, str]]:
    """Which mosaics are seen as they should be, the finest first, and why each is or is not."""
    around = [terminal.name for terminal in tmux.terminals] if tmux is not None else []
    names = around if multiplexer else [answers.name]
    kinds = [mosaics_of(one) for one in names]
    known = tuple(kind for kind in MOSAICS if kinds and all(kind in one for one in kinds))
    shown = ", ".join(sorted({printable(one) for one in names if one}))
    if not shown:
        silent = f"{multiplexer} does not say what the terminal around it draws"
        return (), dict.fromkeys(MOSAICS, silent if multiplexer else "the terminal has not said its name")
    why: dict[str, str] = {
        kind: f"{shown} {'draws them itself' if kind in known else 'is not known to draw them'}" for kind in MOSAICS
    }
    if multiplexer and "octant" in known and not answers.octants:
        unknown = "has not said whether it keeps them"
        why["octant"] = (
            f"{multiplexer} {unknown if answers.octants is None else 'drops them: its C library is older than they are'}"
        )
        known = tuple(kind for kind in known if kind != "octant")
    return known, why


def _judge_colors(environment: Mapping[str, str], answers: Answers | None, tmux: Tmux | None) -> tuple[Colors, str]:
    colors = detect_colors(environment)
    if environment.get("NO_COLOR"):
        return colors, "NO_COLOR is set"
    if colors == "truecolor":
        by_variable = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit")
        return colors, f"COLORTERM={environment['COLORTERM']}" if by_variable else f"TERM={environment.get('TERM')}"
    if answers is not None and answers.truecolor and colors != "none":
        return "truecolor", "the terminal kept an exact colour"
    exact = tmux is not None and tmux.terminals and all("RGB" in terminal.features for terminal in tmux.terminals)
    if tmux is not None and exact and colors != "none":
        return "truecolor", f"tmux passes exact colours on to {_name_all(tmux)}"
    return colors, f"TERM={environment.get('TERM', '')}, no COLORTERM, and the terminal named no exact colour"


def _judge_cell(
    answers: Answers | None, window: tuple[int, int, int, int] | None
) -> tuple[tuple[int, int] | None, str]:
    if answers is not None and answers.cell is not None:
        return answers.cell, "the terminal reported it"
    if window is not None:
        rows, columns, height, width = window
        if rows and columns and answers is not None and answers.text_area is not None:
            cell = answers.text_area[0] // rows, answers.text_area[1] // columns
            if all(0 < side <= LARGEST_CELL for side in cell):
                return cell, "from the size of the text area"
        if rows and columns and height and width:
            cell = height // rows, width // columns
            if all(0 < side <= LARGEST_CELL for side in cell):
                return cell, "from the size of the window"
    return None, "unknown; pictures are drawn as if it were 20 x 10"
