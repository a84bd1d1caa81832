from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from vae_tui.imaging.tmux import Attached, Tmux, ask_tmux, pass_through, understand_tmux


def test_tmux_says_which_terminals_are_around_it_and_what_it_passes_on() -> None:
    answer = (
        "pane 3.5a on 11\nclient 1795 /dev/pts/0 256,RGB kitty(0.41.1)\nclient 1796 /dev/pts/1 sixel foot(1.20.2) x\n"
    )
    kitty = Attached("kitty(0.41.1)", frozenset({"256", "RGB"}))
    foot = Attached("foot(1.20.2) x", frozenset({"sixel"}))
    assert understand_tmux(answer) == Tmux((kitty, foot), True, "11 1795 1796")


@pytest.mark.parametrize(
    ("option", "passes"), [("on", True), ("all", True), ("off", False), ("1", True), ("0", False), ("", True)]
)
def test_versions_name_passing_on_in_their_own_ways(option: str, passes: bool) -> None:
    found = understand_tmux(f"pane 3.3a {option} 11\n")
    assert found is not None
    assert found.passes == passes
    assert found.terminals == ()


def test_a_terminal_that_has_not_said_its_name() -> None:
    found = understand_tmux("pane 3.3a 0 11\nclient 1795 /dev/pts/0  \n")
    assert found is not None
    assert found.terminals == (Attached("", frozenset({""})),)


@pytest.mark.parametrize(
    ("name", "knows"),
    [
        ("kitty(0.41.1)", True),
        ("kitty(0.28.0)", True),
        ("kitty(0.26.5)", False),
        ("ghostty 1.2.0", True),
        ("WezTerm 20240203", False),
        ("", False),
    ],
)
def test_terminals_that_know_placeholders_are_known_by_name_and_version(name: str, knows: bool) -> None:
    assert Attached(name, frozenset()).knows_placeholders == knows


@pytest.mark.parametrize("answer", ["", "no server running", "pane 3.3a", "usage: display-message a b c"])
def test_what_is_no_answer_is_none(answer: str) -> None:
    assert understand_tmux(answer) is None


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
def test_a_real_tmux_answers(tmp_path: Path) -> None:
    socket = str(tmp_path / "tmux")
    tmux = ["tmux", "-S", socket, "-f", "/dev/null"]
    environment = {key: value for key, value in os.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    assert ask_tmux(environment) is None
    subprocess.run([*tmux, "new-session", "-d", "sleep 600"], env=environment, check=True)
    try:
        pane = subprocess.run(
            [*tmux, "display-message", "-p", "#{pane_id}"], env=environment, capture_output=True, text=True
        ).stdout.strip()
        inside = environment | {"TMUX": f"{socket},1,0", "TMUX_PANE": pane}
        found = ask_tmux(inside)
        assert found is not None
        assert (found.terminals, found.onlookers) == ((), "11")
        subprocess.run([*tmux, "new-window", "sleep 600"], env=environment, check=True)
        away = ask_tmux(inside)
        assert away is not None
        assert away.onlookers == "01"
    finally:
        subprocess.run([*tmux, "kill-server"], env=environment, check=False)
    assert ask_tmux(inside) is None


def test_every_escape_is_doubled_on_the_way_through() -> None:
    assert pass_through("\x1b_Gi=1\x1b\\") == "\x1bPtmux;\x1b\x1b_Gi=1\x1b\x1b\\\x1b\\"
