from __future__ import annotations

import io

import numpy as np
import pytest

from vae_tui.exchange import Message, read_message, write_message


@pytest.fixture
def written() -> bytes:
    stream = io.BytesIO()
    write_message(
        stream,
        Message("decode", {"number": 7, "of": "z\n"}, {"points": np.float32([[1, 2]]), "pixels": np.uint8([[[9]]])}),
    )
    return stream.getvalue()


def test_a_message_arrives_as_it_was_sent(written: bytes) -> None:
    stream = io.BytesIO(written)
    message = read_message(stream)
    assert message is not None
    assert (message.kind, dict(message.facts)) == ("decode", {"number": 7, "of": "z\n"})
    np.testing.assert_array_equal(message.arrays["points"], np.float32([[1, 2]]))
    assert message.arrays["pixels"].dtype == np.uint8
    assert read_message(stream) is None


def test_messages_follow_one_another(written: bytes) -> None:
    stream = io.BytesIO(written * 3)
    kinds = [message.kind for message in iter(lambda: read_message(stream), None)]
    assert kinds == ["decode"] * 3


def test_arrays_may_be_empty_or_not_contiguous() -> None:
    stream = io.BytesIO()
    across = np.arange(6, dtype=np.float32).reshape(2, 3).T
    write_message(stream, Message("codes", {}, {"none": np.empty((0, 4), np.float32), "across": across}))
    stream.seek(0)
    message = read_message(stream)
    assert message is not None
    assert message.arrays["none"].shape == (0, 4)
    np.testing.assert_array_equal(message.arrays["across"], across)


def test_a_message_cut_short_is_the_end(written: bytes) -> None:
    for length in range(len(written)):
        assert read_message(io.BytesIO(written[:length])) is None
