"""Names that are no UTF-8 or steer terminals: they work, or are refused before anything is made."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder

pytestmark = pytest.mark.slow
SMALL = [
    "--set",
    "model.hidden=[4]",
    "--set",
    "train.epochs=1",
    "--set",
    "train.threads=1",
    "--set",
    "train.compile=false",
]


def run(folder: Path, *arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "vae_tui", *arguments], cwd=folder, env=os.environ | environment, capture_output=True
    )


def assert_nothing_raw(said: bytes) -> None:
    assert b"Traceback" not in said
    assert not [byte for byte in said if (byte < 0x20 and byte != 0x0A) or byte == 0x7F], said


@pytest.mark.parametrize(
    "name",
    [b"a\nb", b"\xff", b"a\x1b[31m", "\u202e".encode(), b"", b"-x", b"..", b"a/b", b" a", b"a ", b"x" * 300],
    ids=repr,
)
def test_a_run_is_not_called_what_cannot_be_typed(tmp_path: Path, name: bytes) -> None:
    ended = run(tmp_path, "train", "digits", b"--run=" + name, "--ui", "plain", *SMALL)
    assert ended.returncode == 2
    assert b"cannot name a run" in ended.stderr
    assert ended.stderr.count(b"\n") == 1
    assert_nothing_raw(ended.stdout + ended.stderr)
    assert not (tmp_path / "checkpoints").exists()


def test_folders_that_are_no_utf8_hold_runs_and_photos(tmp_path: Path) -> None:
    from PIL import Image

    photos = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b[31m"))
    for name in ("[red]one", "zw\u202eo"):
        (photos / name).mkdir(parents=True)
        for index in range(12):
            Image.new("L", (16, 16), index * 20).save(photos / name / f"{index}.png")
    given: list[str | bytes] = [
        b"--set",
        b"data.root=" + os.fsencode(photos.name),
        "--set",
        "data.name=folder",
        "--set",
        "data.image_size=16",
    ]
    ended = run(tmp_path, "train", *given, b"--runs-dir=q\xe9", "--run", "a", "--ui", "plain", *SMALL)
    assert ended.returncode == 0, ended.stderr
    assert_nothing_raw(ended.stdout + ended.stderr)
    made = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + ended.stdout.rstrip(b"\n")))
    assert tomllib.loads((made / "recipe.toml").read_text())["data"]["root"].startswith("file:///")
    drawn = run(tmp_path, "project", b"q\xe9/a", "--out", "codes.png")
    assert drawn.returncode == 0, drawn.stderr
    assert_nothing_raw(drawn.stdout + drawn.stderr)
    resumed = run(tmp_path, "train", "--resume", b"q\xe9/a", "--set", "train.epochs=2", "--ui", "json")
    assert resumed.returncode == 0, resumed.stderr
    assert_nothing_raw(resumed.stdout)
    assert lock_holder(Run(made).path) is None


@pytest.mark.parametrize(
    "arguments", [["wa\x1btch"], ["watch", "--\x1b"], ["check", "a\x1b\u202e"], ["sample", "\x9b"]]
)
def test_arguments_are_repeated_as_they_can_be_read(tmp_path: Path, arguments: list[str]) -> None:
    ended = run(tmp_path, *arguments)
    assert ended.returncode == 2
    assert_nothing_raw(ended.stderr)


def test_no_home_no_name_and_streams_that_know_ascii(tmp_path: Path) -> None:
    bare = {"HOME": "/nowhere", "XDG_CACHE_HOME": "relative", "PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX"}
    ended = run(tmp_path, "train", "digits", "--ui", "plain", *SMALL, **bare)
    assert ended.returncode == 0, ended.stderr
    assert (ended.stdout + ended.stderr).isascii()
    assert not (tmp_path / "relative").exists()


def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -P -m vae_tui sample --out z.png'
    given = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    ended = subprocess.run(["bash", "-c", command], env=given, capture_output=True)
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
