"""Options of any values are taken or named, in one sentence, and nothing comes of them but what was asked for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from chaos.conftest import LONG_SECONDS, Tally
from chaos.values import SETTINGS, numbers, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_tui.cli.main import app
from vae_tui.runs.layout import Run

pytestmark = pytest.mark.slow
_MOST_MEBIBYTES = 1024
_RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
_LEFT_OUT = {"--help", "--version", "--data-root"}
_FIT = [
    "cpu",
    "auto",
    "out.png",
    "out.gif",
    "out.npz",
    "1",
    "0",
    "2",
    "16",
    "test",
    "train",
    "pca",
    "tsne",
    "mean",
    "0,1",
]
_ODD = [
    "/dev/null",
    "/proc/self/mem",
    "/nowhere/out.png",
    "here.png/out.png",
    ".",
    "walked",
    "digits",
    "nan",
    "inf",
    "-1",
]


def _argument(text: str) -> bool:
    """Whether a text can be an argument, and names no file elsewhere."""
    return "\0" not in text and not text.startswith(("/", "~"))


_values = st.one_of(
    st.sampled_from(_FIT),
    st.sampled_from(_FIT),
    st.sampled_from(_ODD),
    numbers.map(str),
    texts.filter(_argument),
)


@st.composite
def command_lines(draw: st.DrawFn, checkpoint: str) -> list[str]:
    """A command with some of its options, each with any value."""
    name = draw(st.sampled_from(sorted(set(_commands) - ({"train"} if not LONG_SECONDS else set()))))
    parameters = [one for one in _commands[name].params if not _LEFT_OUT.intersection(one.opts)]
    options = [one for one in parameters if one.opts[0].startswith("-")]
    line = [name]
    if any(one not in options for one in parameters) and draw(st.integers(0, 9)):
        line.append(draw(st.one_of(st.just(checkpoint), _values)) if draw(st.integers(0, 2)) == 0 else checkpoint)
    if any("--out" in one.opts for one in options):
        line += ["--out", draw(st.sampled_from(["out.png", "out.gif", "out.npz"]))]
    for option in draw(st.lists(st.sampled_from(options), max_size=4)):
        line.append(option.opts[0])
        if not option.is_flag:
            line.append(draw(_values))
    if name == "train":
        # What is trained after all ends soon.
        line += ["--set", "train.epochs=1", "--set", "train.max_seconds=1", "--ui", "plain"]
    return line


@pytest.fixture
def run_command(tmp_path: Path) -> Iterator[Callable[[list[str]], dict[str, Any]]]:
    """Runs command lines in forks of one process."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("commands.py")), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def run(line: list[str]) -> dict[str, Any]:
            stdin.write(json.dumps(line) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer

        yield run
        stdin.close()


def test_any_value_of_any_option_is_taken_or_named(
    run_command: Callable[[list[str]], dict[str, Any]], walked_run: Run, tally: Callable[[str], Tally]
) -> None:
    counts = tally("options of any values")
    checkpoint = str(walked_run.latest().path)
    normal = run_command(["sample", checkpoint, "--out", "normal.png"])
    assert normal["status"] == 0, normal

    @settings(SETTINGS, max_examples=int(40 + 0.5 * LONG_SECONDS))
    @given(command_lines(checkpoint))
    def try_out(line: list[str]) -> None:
        answer = run_command(line)
        about = f"{line}\n{json.dumps(answer, indent=1)[:3000]}"
        assert answer["status"] in (0, 1, 2) or (answer["status"] is None and line[0] in ("evaluate", "serve")), about
        assert "Traceback" not in answer["stderr"], about
        assert not _RAW.search(answer["stdout"] + answer["stderr"]), about
        assert answer["mebibytes"] < normal["mebibytes"] + _MOST_MEBIBYTES, about
        assert answer["status"] == 0 or answer["stderr"].strip(), about
        counts.add({0: "taken", 1: "failed in a sentence", 2: "named"}.get(answer["status"], "still at work"))

    try_out()
