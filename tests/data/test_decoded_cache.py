"""What was decoded is cached, and found again by its content."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vae_tui.data import rows
from vae_tui.errors import DataError

SPLITS = ("train", "validation", "test")


@pytest.fixture
def photos(tmp_path):
    """A folder of 40 noisy photos."""
    generator = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for index in range(40):
        pixels = generator.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index:02}.png")
    return tmp_path / "photos"


def files(cache_home: Path) -> list[Path]:
    return sorted(path for path in cache_home.rglob("*") if path.is_file())


def stages(said) -> list[str]:
    return list(dict.fromkeys(stage for stage, _, _ in said if not stage.startswith("reading")))


def assert_same(one, other) -> None:
    assert (one.class_names, one.skipped) == (other.class_names, other.skipped)
    for split in SPLITS:
        assert torch.equal(getattr(one, split).pixels, getattr(other, split).pixels)


def test_a_folder_is_decoded_once(load, photos, said, cache_home) -> None:
    first = load(name="folder", root=photos, image_size=8)
    assert stages(said) == ["decoding images"]
    [path] = files(cache_home)
    assert path.parent == cache_home / "vae-tui" / "decoded"
    said.clear()
    assert_same(load(name="folder", root=photos, image_size=8), first)
    assert stages(said) == ["looking for changed images"]
    assert files(cache_home) == [path]


def test_it_is_known_by_its_content_wherever_it_lies(load, photos, tmp_path, said) -> None:
    load(name="folder", root=photos, image_size=8)
    shutil.copytree(photos, tmp_path / "elsewhere")
    said.clear()
    load(name="folder", root=tmp_path / "elsewhere", image_size=8)
    assert stages(said) == ["looking for changed images"]


CHANGES = {
    "another picture": lambda folder: Image.new("RGB", (12, 12)).save(folder / "07.png"),
    "another name": lambda folder: (folder / "07.png").rename(folder / "7.png"),
    "one more": lambda folder: shutil.copy(folder / "07.png", folder / "40.png"),
    "one less": lambda folder: (folder / "07.png").unlink(),
    "two exchanged": lambda folder: exchange(folder / "07.png", folder / "08.png"),
}


def exchange(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_seen(load, photos, said, change, monkeypatch, tmp_path) -> None:
    load(name="folder", root=photos, image_size=8)
    times = photos.stat().st_mtime_ns
    CHANGES[change](photos)
    os.utime(photos, ns=(times, times))
    said.clear()
    changed = load(name="folder", root=photos, image_size=8)
    assert "decoding images" in stages(said)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "fresh"))
    assert_same(changed, load(name="folder", root=photos, image_size=8))


@pytest.mark.parametrize("other", [{"image_size": 9}, {"image_size": (8, 9)}, {"image_size": 8, "channels": 1}])
def test_other_sizes_and_channels_are_cached_apart(load, photos, said, other) -> None:
    load(name="folder", root=photos, image_size=8)
    said.clear()
    load(name="folder", root=photos, **other)
    assert stages(said) == ["decoding images"]


def test_broken_images_are_remembered(load, tmp_path, photos) -> None:
    for index in range(40, 120):
        shutil.copy(photos / "00.png", photos / f"{index:03}.png")
    (photos / "07.png").write_bytes(b"nothing")
    first, again = (load(name="folder", root=photos, image_size=8) for _ in range(2))
    assert again.skipped == ("07.png",)
    assert_same(again, first)
    for index in range(10, 15):
        (photos / f"{index}.png").write_bytes(b"nothing")
    told = []
    for _ in range(2):
        with pytest.raises(DataError) as error:
            load(name="folder", root=photos, image_size=8)
        told.append(str(error.value))
    assert told[0] == told[1]
    assert "07.png: no image that can be read" in told[0]


DAMAGES = {
    "cut short": lambda path: os.truncate(path, path.stat().st_size - 1),
    "cut in its rows": lambda path: os.truncate(path, 1000),
    "emptied": lambda path: os.truncate(path, 0),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "rows missing": lambda path: path.write_bytes(path.read_bytes()[100:]),
    "something else": lambda path: path.write_bytes(b"vae-tui rows 1\r\n" * 1000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_made_anew(load, photos, said, cache_home, damage) -> None:
    first = load(name="folder", root=photos, image_size=8)
    [path] = files(cache_home)
    whole = path.read_bytes()
    DAMAGES[damage](path)
    said.clear()
    assert_same(load(name="folder", root=photos, image_size=8), first)
    assert "decoding images" in stages(said)
    assert files(cache_home) == [path]
    assert path.read_bytes() == whole


def test_where_nothing_can_be_cached_the_images_are_in_memory(load, photos, monkeypatch, tmp_path) -> None:
    expected = load(name="folder", root=photos, image_size=8)
    assert expected.notes == ()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found = load(name="folder", root=photos, image_size=8)
    assert_same(found, expected)
    [note] = found.notes
    assert note.startswith(f"decoded images are not cached for the next time: {tmp_path / 'file'}")
    with pytest.raises(DataError, match=r"more than \[data\] memory_gib allows here .* and cannot stream from disk: "):
        load(name="folder", root=photos, image_size=8, memory_gib=1e-6)


def test_a_disk_that_fills_up_is_no_harm_while_memory_is_enough(load, photos, monkeypatch, cache_home) -> None:
    expected = load(name="folder", root=photos, image_size=8)
    left = iter(range(20))
    write = os.pwrite

    def write_while_there_is_room(*arguments) -> int:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        return write(*arguments)

    monkeypatch.setattr(os, "pwrite", write_while_there_is_room)
    shutil.rmtree(cache_home / "vae-tui")
    found = load(name="folder", root=photos, image_size=8)
    assert_same(found, expected)
    assert "No space left on device" in found.notes[0]
    assert files(cache_home) == []


def test_what_was_used_longest_ago_makes_room(load, photos, monkeypatch, cache_home) -> None:
    found: dict[int, Any] = {}
    for age, size in enumerate((8, 9, 10)):
        load(name="folder", root=photos, image_size=size)
        [found[size]] = set(files(cache_home)) - set(found.values())
        os.utime(found[size], (1e9 + age, 1e9 + age))
    load(name="folder", root=photos, image_size=8)  # used again
    taken = sum(path.stat().st_size for path in found.values())
    disk = shutil.disk_usage(cache_home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk._replace(free=taken))
    open_one = rows.RowFile(found[9])
    load(name="folder", root=photos, image_size=11)
    kept_now = files(cache_home)
    assert found[8] in kept_now
    assert found[9] not in kept_now
    assert found[10] not in kept_now
    whole = np.empty((1, 3, 9, 9), np.uint8)
    open_one.read_into(whole, np.array([39]))
    assert whole.any(), "what is in use stays readable"


def test_a_set_larger_than_the_disk_is_told(load, photos, monkeypatch, cache_home) -> None:
    disk = shutil.disk_usage(cache_home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk._replace(free=1000))
    assert "half of the free disk space" in load(name="folder", root=photos, image_size=8).notes[0]
    with pytest.raises(DataError, match=r"cannot stream from disk: .*half of the free disk space.*XDG_CACHE_HOME"):
        load(name="folder", root=photos, image_size=8, memory_gib=1e-6)


DECODING = """
import signal, sys
from pathlib import Path
from vae_tui.data import load_image_sets
from vae_tui.recipe import DataTable

def progress(stage, done, total):
    if stage == sys.argv[2] and not done:
        print("begun", flush=True)
        {what}

signal.signal(signal.SIGTERM, signal.default_int_handler)
data = DataTable(name="folder", root=sys.argv[1], image_size=8)
load_image_sets(data, seed=0, data_root=Path(), progress=progress)
"""


def decode_elsewhere(photos: Path, what: str, stage: str = "decoding images") -> subprocess.Popen[str]:
    """Another process that decodes the photos, and does something when it begins to."""
    program = DECODING.replace("{what}", what)
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(photos), stage], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["decoding images", "looking for changed images"])
def test_an_interrupt_takes_effect_at_once_and_leaves_nothing(load, photos, cache_home, stage) -> None:
    if stage != "decoding images":
        load(name="folder", root=photos, image_size=8)
    before = files(cache_home)
    with decode_elsewhere(photos, "import time; time.sleep(600)", stage) as process:
        process.send_signal(signal.SIGTERM)
        assert "KeyboardInterrupt" in process.communicate()[1]
    assert files(cache_home) == before


@pytest.mark.slow
def test_what_a_killed_process_left_is_removed(load, photos, cache_home, monkeypatch) -> None:
    with decode_elsewhere(photos, "import time; time.sleep(600)") as process:
        [unfinished] = files(cache_home)
        monkeypatch.setattr(rows, "_SECONDS_UNTIL_LOCKED", -1.0)
        load(name="folder", root=photos, image_size=8)
        assert unfinished in files(cache_home), "its writer lives"
        process.kill()
        process.communicate()
    load(name="folder", root=photos, image_size=9)
    assert unfinished not in files(cache_home)
    assert len(files(cache_home)) == 2


@pytest.mark.slow
def test_two_processes_may_decode_the_same(load, photos, cache_home) -> None:
    with decode_elsewhere(photos, "sys.stdin.readline()") as process:
        here = load(name="folder", root=photos, image_size=8)
        [path] = files(cache_home)[-1:]
        content = path.read_bytes()
        assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0
    assert [found.read_bytes() for found in files(cache_home)] == [content]
    assert_same(load(name="folder", root=photos, image_size=8), here)


@pytest.mark.parametrize("facts", [{"broken": 5}, ["broken"]])
def test_a_cached_file_whose_facts_are_none_is_damaged(tmp_path, facts) -> None:
    with rows.RowWriter(tmp_path, (1, 1, 2, 2)) as writer:
        writer.write(0, np.zeros((1, 1, 2, 2), np.uint8))
        with pytest.raises(rows.DamagedRows):
            writer.finish("set.rows", facts)
