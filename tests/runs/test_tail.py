"""The end of a file that grows, in bounded memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vae_tui.runs.tail import BLOCK, MOST_BYTES, Tail


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def tail(path: Path) -> Tail[str]:
    return Tail(lambda: path, bytes.decode)


def numbered(count: int, width: int = 100) -> bytes:
    return b"".join((b"line %d" % index).ljust(width - 1, b".") + b"\n" for index in range(count))


def test_a_file_is_read_and_followed(path: Path, tail: Tail[str]) -> None:
    path.write_text("one\n\ntwo\nthr")
    assert tail.look()
    assert (list(tail.lines), tail.unfinished) == (["one", "", "two"], "thr")
    assert not tail.look()
    with path.open("a") as file:
        file.write("ee\nfour\n")
    assert tail.look()
    assert (list(tail.lines), tail.unfinished) == (["one", "", "two", "three", "four"], None)
    assert (tail.has_older, tail.version) == (False, 0)


def test_of_a_long_file_the_end_is_read_and_the_rest_as_it_is_asked_for(path: Path, tail: Tail[str]) -> None:
    path.write_bytes(numbered(20_000))
    tail.look()
    assert len(tail.lines) == BLOCK // 100
    assert tail.lines[-1].startswith("line 19999")
    newest = tail.first + len(tail.lines)
    while tail.read_older():
        assert tail.first + len(tail.lines) == newest, "a line has another number than before"
    assert [line.partition(".")[0] for line in tail.lines] == [f"line {index}" for index in range(20_000)]
    assert not tail.has_older


def test_a_file_of_any_length_takes_bounded_memory(path: Path, tail: Tail[str]) -> None:
    with path.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\n" + numbered(200_000))
    tail.look()
    assert len(tail.lines) < 6000
    while tail.read_older():
        pass
    assert tail.is_full
    assert sum(map(len, tail.lines)) <= MOST_BYTES + BLOCK
    for _ in range(40):
        with path.open("ab") as file:
            file.write(numbered(1000))
        tail.look()
        assert sum(map(len, tail.lines)) <= MOST_BYTES + BLOCK
    assert tail.lines[-1].startswith("line 999.")
    assert tail.version == 1


def test_a_line_without_an_end_is_cut_in_pieces(path: Path, tail: Tail[str]) -> None:
    path.write_bytes(b"x" * (3 * BLOCK))
    tail.look()
    assert tail.unfinished == "x" * BLOCK
    with path.open("ab") as file:
        file.write(b"y\nz\n")
    tail.look()
    assert list(tail.lines) == ["x" * BLOCK + "y", "z"]
    while tail.read_older():
        pass
    assert [len(line) for line in tail.lines] == [BLOCK, BLOCK, BLOCK + 1, 1]


@pytest.mark.parametrize("content", [b"new\n", b""])
def test_a_file_that_was_written_anew_is_read_from_its_beginning(path: Path, tail: Tail[str], content: bytes) -> None:
    path.write_text("one\ntwo\n")
    tail.look()
    path.write_bytes(content)
    assert tail.look()
    assert list(tail.lines) == content.decode().splitlines()
    assert tail.version == 1


def test_what_grows_too_quickly_to_follow_is_taken_up_at_its_end(path: Path, tail: Tail[str]) -> None:
    path.write_text("one\n")
    tail.look()
    with path.open("ab") as file:
        file.write(numbered(100_000))
    tail.look()
    assert tail.lines[-1].startswith("line 99999.")
    assert tail.version == 1
    assert tail.has_older


def test_a_file_that_cannot_be_read_is_said_to_be(path: Path, tail: Tail[str]) -> None:
    assert tail.look()
    assert tail.problem == f"there is no {path}"
    assert not tail.look()
    path.mkdir()
    tail.look()
    assert tail.problem == f"{path} cannot be read: it is a folder, expected a file"
    path.rmdir()
    os.mkfifo(path)
    tail.look()
    assert tail.problem == f"{path} cannot be read: it is a FIFO, expected a file"
    path.unlink()
    path.write_text("there\n")
    assert tail.look()
    assert (list(tail.lines), tail.problem) == (["there"], "")
    path.unlink()
    tail.look()
    assert (list(tail.lines), tail.problem) == ([], f"there is no {path}")
