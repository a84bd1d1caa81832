"""The colors of the screens, one meaning each."""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme

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
_ON_LIGHT = {"rate": "#7038c8", "loss": "#b8267f", "faint": "#5b6775", "line": "#b4bdc9"}


def own_variables(*, dark: bool) -> dict[str, str]:
    """Variables of ours, for themes that lack them."""
    return _ON_DARK if dark else _ON_LIGHT


def rgb(
    variables: dict[str, str], name: str, *, towards: str | None = None, share: float = 0.0
) -> tuple[int, int, int]:
    """The color a variable of the theme stands for, or one as in CSS, moved by `share` towards another's."""
    color = Color.parse(name if name.startswith("#") else variables[MEANINGS.get(name, name)])
    if towards is not None:
        color = color.blend(Color.parse(variables[towards]), share)
    return color.rgb
