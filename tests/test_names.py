"""Names that are no UTF-8 or steer terminals, machines without this or that: they work, or one sentence says why not."""

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


def test_a_finished_run_is_watched_and_sampled_from_a_disk_that_is_read_only(tmp_path: Path) -> None:
    if not os.getuid() and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("root writes anywhere, and may not mount here")
    disk = tmp_path / "disk"
    disk.mkdir()
    assert run(disk, "train", "digits", "--run", "a", "--ui", "none", *SMALL).returncode == 0
    if os.getuid():
        for path in (*disk.rglob("*"), disk):
            path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in disk.rglob("*")}
    watched, sampled = (_on_a_read_only_disk(disk, *command) for command in (["watch", "a"], ["sample", "a"]))
    assert watched.returncode == 0, watched.stderr
    assert b"completed" in watched.stdout + watched.stderr
    assert sampled.returncode == 0, sampled.stderr
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    refused = _on_a_read_only_disk(disk, "train", "--resume", "a", "--set", "train.epochs=2")
    assert refused.returncode == 2
    assert refused.stderr.count(b"\n") == 1
    assert b"Traceback" not in watched.stderr + sampled.stderr + refused.stderr
    assert {path: path.stat().st_mtime_ns for path in disk.rglob("*")} == before
    for path in (disk, *disk.rglob("*")):
        path.chmod(0o755)


def _on_a_read_only_disk(disk: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command beside a folder that cannot be written; for root it is mounted so, since root writes anywhere else."""
    options = ["--out", str(disk.parent / "grid.png")] if arguments[0] == "sample" else []
    command = [sys.executable, "-m", "vae_tui", *arguments, *options, "--runs-dir", str(disk / "checkpoints")]
    if not os.getuid():
        mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", mount, str(disk), *command]
    given = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.run(command, cwd=disk.parent, env=given, capture_output=True, stdin=subprocess.DEVNULL)
