from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_tui.walk.messages import (
    Calculate,
    CheckpointOpened,
    Decode,
    ExportGif,
    FindNeighbors,
    NeighborsFound,
    OpenCheckpoint,
    Project,
    Projected,
)
from vae_tui.walk.wire import WireError, read_message, write_message

POINTS = np.array([[1, 2]], np.float32)
IMAGE = np.array([[[9]]], np.uint8)


@pytest.fixture
def written() -> bytes:
    stream = io.BytesIO()
    write_message(stream, 7, Calculate("z\n", ("a",), POINTS))
    return stream.getvalue()


def send(message: Any) -> Any:
    """What arrives of a message."""
    stream = io.BytesIO()
    write_message(stream, 3, message)
    stream.seek(0)
    received = read_message(stream)
    assert received is not None
    assert received[0] == 3
    return received[1]


def test_a_message_arrives_as_it_was_sent(written: bytes) -> None:
    stream = io.BytesIO(written)
    received = read_message(stream)
    assert received is not None
    number, message = received
    assert (number, type(message), message.text, message.names) == (7, Calculate, "z\n", ("a",))
    np.testing.assert_array_equal(message.points, POINTS)
    assert read_message(stream) is None


def test_plain_values_are_of_their_types_again() -> None:
    opened = CheckpointOpened(Path("a/b"), 2, None, "mlp", ("x",), (0.5, 1.0), True)
    assert send(opened) == opened
    assert send(OpenCheckpoint(Path("a/b"))) == OpenCheckpoint(Path("a/b"))
    near = send(NeighborsFound(("one",), ("one 0.1",), IMAGE[None], POINTS))
    assert near.images.dtype == np.uint8
    plane = send(Projected(("PC 1", "PC 2"), POINTS, np.arange(1), None, None))
    assert (plane.axes, plane.origin) == (("PC 1", "PC 2"), None)


def test_messages_follow_one_another(written: bytes) -> None:
    stream = io.BytesIO(written * 3)
    assert [number for number, _ in iter(lambda: read_message(stream), None)] == [7] * 3


def test_arrays_may_be_empty_or_not_contiguous() -> None:
    assert send(Decode(np.empty((0, 4), np.float32))).points.shape == (0, 4)
    across = np.arange(6, dtype=np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(send(Decode(across)).points, across)


def test_a_message_cut_short_is_the_end(written: bytes) -> None:
    for length in range(len(written)):
        assert read_message(io.BytesIO(written[:length])) is None


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (Decode(np.zeros((1, 2))), r"Decode.points: expected float32 \(N, Z\), got float64 \(1, 2\)"),  # type: ignore[arg-type]
        (Decode(np.zeros(2, np.float32)), r"Decode.points: expected float32 \(N, Z\), got float32 \(2,\)"),
        (Project("umap"), "Project.method: expected one of dimensions, pca, tsne, got 'umap'"),  # type: ignore[arg-type]
        (FindNeighbors(IMAGE, 1.5), "FindNeighbors.count: expected int, got 1.5"),  # type: ignore[arg-type]
        (ExportGif(Path("a"), "fast", POINTS), "frames_per_second: expected float"),  # type: ignore[arg-type]
        (
            Projected(("a", "b"), np.zeros((2, 2), np.float32), np.arange(3)),
            "Projected.indexes: M is 3, but 2 before",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_name(message: Any, problem: str) -> None:
    with pytest.raises(WireError, match=problem) as caught:
        send(message)
    assert caught.value.number == 3


@pytest.mark.parametrize("change", [{"kind": "Dance"}, {"values": {"speed": 3}}, {"values": {}}])
def test_what_is_no_message_of_ours_is_refused_and_the_next_one_is_read(written: bytes, change: Any) -> None:
    head, content = written.split(b"\n", 1)
    stream = io.BytesIO(json.dumps(json.loads(head) | change).encode() + b"\n" + content + written)
    with pytest.raises(WireError):
        read_message(stream)
    assert read_message(stream) is not None
