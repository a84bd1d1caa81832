import pytest

from vae_tui.imaging.terminal import detect_depth


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "screen-256color", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "COLORTERM": ""}, "256"),
        ({"TERM": "linux"}, "ascii"),
        ({"TERM": "vt100"}, "ascii"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "ascii"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "ascii"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": ""}, "truecolor"),
        ({}, "ascii"),
    ],
)
def test_the_environment_tells_what_the_terminal_shows(environment: dict[str, str], depth: str) -> None:
    assert detect_depth(environment) == depth
