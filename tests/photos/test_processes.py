"""Photos that processes decode are those that this one would decode, in their order, whatever happens to the processes."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from vae_tui.photos.photo import WHITE_16_BITS, examine_photo
from vae_tui.photos.processes import examine_in_processes

SIZE: Any = {"height": 8, "width": 6, "channels": 3, "white": WHITE_16_BITS}


def write_photos(folder: Path, count: int) -> list[Path]:
    generator = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(count)]
    for path in paths:
        Image.fromarray(generator.integers(0, 256, (9, 7, 3), np.uint8)).save(path)
    return paths


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_what_they_find_is_what_this_process_finds_in_the_same_order(tmp_path: Path) -> None:
    paths = write_photos(tmp_path, 100)
    paths[5].write_bytes(b"no image")
    paths[40] = tmp_path / "not there.png"
    paths[41] = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png"))
    os.link(paths[0], paths[41])
    Image.fromarray(np.full((9, 7), 40_000, np.uint16)).save(paths[42])
    Image.new("L", (9, 7)).save(paths[43], save_all=True, format="TIFF", append_images=[Image.new("L", (9, 7))])
    before = children()
    found = list(examine_in_processes(paths, **SIZE))
    assert children() == before
    assert len(found) == len(paths)
    for path, photo in zip(paths, found, strict=True):
        expected = examine_photo(path, **SIZE)
        assert photo is not None
        assert (photo.problem, photo.digest) == (expected.problem, expected.digest)
        assert (photo.decoded is None) == (expected.decoded is None)
        if photo.decoded is not None and expected.decoded is not None:
            assert np.array_equal(photo.decoded.pixels, expected.decoded.pixels)
            assert photo.decoded.brightest == expected.decoded.brightest
            assert photo.decoded.has_more_pages == expected.decoded.has_more_pages
    problems = [photo.problem for photo in found if photo is not None and photo.problem]
    assert problems == ["no image that can be read", "No such file or directory"]


def test_a_large_one_is_left_to_who_asks(tmp_path: Path) -> None:
    paths = write_photos(tmp_path, 3)
    Image.new("1", (8200, 8200)).save(paths[1])
    first, large, last = examine_in_processes(paths, **SIZE)
    assert first is not None
    assert large is None
    assert last is not None


def test_what_a_process_that_was_killed_has_left_is_left_to_who_asks(tmp_path: Path) -> None:
    paths = write_photos(tmp_path, 60) * 400
    before = children()
    examined = examine_in_processes(paths, **SIZE)
    assert next(examined) is not None
    started = children() - before
    os.kill(min(started), signal.SIGKILL)
    left = [photo is None for photo in examined]
    assert len(left) == len(paths) - 1
    assert any(left)
    assert all(left) == (len(started) == 1)
    assert children() == before


def test_where_none_can_be_started_all_is_left_to_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    assert list(examine_in_processes(write_photos(tmp_path, 40), **SIZE)) == [None] * 40


def test_left_early_they_end(tmp_path: Path) -> None:
    before = children()
    examined = examine_in_processes(write_photos(tmp_path, 60) * 400, **SIZE)
    next(examined)
    assert children() > before
    examined.close()
    deadline = time.monotonic() + 10
    while children() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children() == before
