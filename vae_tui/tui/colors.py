"""The colors of the screens, one meaning each."""

from __future__ import annotations

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from vae_tui.imaging.colors import SIXTEEN

THEME = Theme(
    name="vae-tui",
    primary="#79b8ff",
    secondary="#56d4bc",
    accent="#ffab70",
    warning="#f2cc60",
    error="#ff7b72",
    success="#7ee787",
    foreground="#d3dae3",
    background="#0d1117",
    surface="#0d1117",
    panel="#1c2430",
    dark=True,
)

COLOR_BLIND = Theme(
    name="color-blind",
    primary="#56b4e9",
    secondary="#1fc494",
    accent="#e69f00",
    warning="#f0e442",
    error="#f0702a",
    success="#1fc494",
    foreground="#f2f2f2",
    background="#101010",
    surface="#101010",
    panel="#202020",
    dark=True,
    variables={"rate": "#b484f0", "loss": "#f2f2f2", "faint": "#9a9a9a", "line": "#4a4a4a"},
)
"""The colors that Okabe and Ito chose for eyes that see fewer (Color Universal Design, 2008), with a lighter green and
vermilion, for a dark ground, and a purple that is further from the green."""

SIXTEEN_COLORS = Theme(
    name="sixteen-colors",
    ansi=True,
    primary="ansi_bright_blue",
    secondary="ansi_bright_green",
    accent="ansi_bright_yellow",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    success="ansi_bright_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "block-cursor-background": "ansi_bright_blue",
        "block-cursor-foreground": "ansi_black",
    },
)
"""Nothing but the colors that a terminal numbers from 0 to 15, as its user has set them."""

THEMES = (THEME, COLOR_BLIND, SIXTEEN_COLORS)
"""Ours; Textual brings its own."""

MEANINGS = {
    "train": "primary",
    "validation": "accent",
    "loss": "loss",
    "best": "warning",
    "distortion": "secondary",
    "rate": "rate",
    "changed": "foreground",
}
"""Which variable of the theme each thing that is drawn has."""

_ON_DARK = {"rate": "#c3a1ff", "loss": "#ff9ecf", "faint": "#6e7b8c", "line": "#2f3a48"}
_NUMBERED_ON_DARK = {
    "rate": "ansi_bright_magenta",
    "loss": "ansi_bright_cyan",
    # The bright black of some palettes is their ground, which lines of frames may be, but no words.
    "faint": "ansi_white",
    "line": "ansi_bright_black",
}
_NUMBERED_ON_LIGHT = {
    "rate": "ansi_magenta",
    "loss": "ansi_cyan",
    "faint": "ansi_bright_black",
    "line": "ansi_bright_black",
}
_INKS = ("primary", "secondary", "accent", "warning", "error", "success")
_READABLE = {"background": 4.5, "panel": 3.0}
"""The contrast that WCAG 2.2 asks of words (1.4.3, level AA), and of large ones."""
_MOST_STEPS = 12
"""Of a twentieth each, towards the words of the theme; a color that is moved further is none any more."""
_MIXED, _GROUND = 0.35, 0.75
"""Shares from which on a numbered color is its dark sister, and the ground."""
_ON_LIGHT = {"rate": "#7038c8", "loss": "#b8267f", "faint": "#5b6775", "line": "#b4bdc9"}


def own_variables(theme: Theme) -> dict[str, str]:
    """Variables of ours, for a theme that lacks them."""
    if theme.ansi:
        return _NUMBERED_ON_DARK if theme.dark else _NUMBERED_ON_LIGHT
    return _ON_DARK if theme.dark else _ON_LIGHT


def readable_inks(variables: dict[str, str]) -> dict[str, str]:
    """The variables of a theme that words and curves are written in, darker or lighter where they would hardly be seen.

    Textual's light themes have a green and a yellow on which words are laid, not of which they are.
    """
    foreground = Color.parse(variables["foreground"])
    grounds = [(Color.parse(variables[name]), least) for name, least in _READABLE.items()]
    found = {}
    for name in _INKS:
        ink = Color.parse(variables[name])
        mixed = (ink.blend(foreground, 0.05 * step, alpha=1.0) for step in range(_MOST_STEPS))
        readable = (color for color in mixed if all(contrast(color, ground) >= least for ground, least in grounds))
        found[name] = next(readable, ink.blend(foreground, 0.05 * _MOST_STEPS, alpha=1.0)).hex
    return found


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def rgb(
    variables: dict[str, str], name: str, *, towards: str | None = None, share: float = 0.0
) -> tuple[int, int, int]:
    """The color a variable of the theme stands for, or one as in CSS, moved by `share` towards another's.

    A color that terminals number is as xterm has it, by which it is found again when it is written; it cannot be mixed.
    """
    variable = MEANINGS.get(name, name)
    color = Color.parse(name if name.startswith("#") else variables[variable])
    if color.ansi is not None and color.ansi < 0:
        # What the terminal itself has is not known: an ink that is seen on it.
        color = Color.parse(variables["faint" if variable == "foreground" else "line"])
    if color.ansi is not None:
        return SIXTEEN[0 if share >= _GROUND else color.ansi % 8 if share >= _MIXED else color.ansi]
    if towards is not None:
        color = color.blend(Color.parse(variables[towards]), share)
    return color.rgb
