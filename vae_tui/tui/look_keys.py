"""The keys that say how charts are drawn, the same on every screen with charts."""

from __future__ import annotations

from vae_tui.tui.keys import FooterItem, Key, Row


def look_rows(states: tuple[str, ...], rank: int) -> tuple[Row, ...]:
    """The lines of the help; in the footer in these states, from `rank` on."""
    return (
        Row(
            "x",
            "horizontal axis: step, epoch, time of training, time of day",
            (Key("x", "next_axis", "x axis"),),
            (FooterItem(rank, "x", "x axis", states),),
        ),
        Row(
            "o",
            "horizontal axis: a figure that is chosen, such as the rate",
            (Key("o", "choose_axis", "x axis: a figure"),),
        ),
        Row("X", "horizontal axis: linear, logarithmic", (Key("X", "toggle_log_across", "x axis: logarithmic"),)),
        Row(
            "y",
            "vertical axis of −ELBO: linear, logarithmic",
            (Key("y", "toggle_log", "y axis"),),
            (FooterItem(rank + 1, "y", "y axis", states),),
        ),
        Row(
            "+ - < >",
            "zoom in and out, and pan; the wheel zooms at the pointer, esc shows the whole",
            (
                Key("plus", "zoom(1)", "Zoom in"),
                Key("minus", "zoom(-1)", "Zoom out"),
                Key("less_than_sign", "pan(-0.5)", "Pan back"),
                Key("greater_than_sign", "pan(0.5)", "Pan on"),
            ),
            (FooterItem(rank + 2, "+ -", "zoom", states),),
        ),
        Row(
            "m",
            "smoothing of the training curves",
            (Key("m", "next_smoothing", "Smoothing"),),
            (FooterItem(rank + 3, "m", "smoothing", states),),
        ),
    )
