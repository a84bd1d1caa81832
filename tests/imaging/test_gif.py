from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vae_tui.imaging.gif import decode_gif, encode_gif


def grey_frames(count: int) -> np.ndarray:
    frames = np.zeros((count, 16, 16, 1), np.uint8)
    frames[..., 0] = np.arange(256).reshape(16, 16)
    for index in range(count):
        frames[index, 0, 0] = 10 * index + 3
    return frames


def test_greys_are_exact_and_enlarged_whole() -> None:
    frames = grey_frames(5)
    found = decode_gif(encode_gif(frames, 10, scale=3))
    expected = frames.repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_array_equal(found, expected.repeat(3, axis=3))


def test_the_same_frames_are_the_same_bytes() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 8, 9, 3), dtype=np.uint8)
    assert encode_gif(frames, 12) == encode_gif(frames, 12)


def test_colours_that_do_not_change_do_not_flicker() -> None:
    generator = np.random.default_rng(0)
    frames = np.empty((6, 20, 20, 3), np.uint8)
    frames[:] = generator.integers(0, 256, (20, 20, 3))
    frames[:, 5:9, 5:9] = generator.integers(0, 256, (6, 4, 4, 3))
    found = decode_gif(encode_gif(frames, 10))
    assert (found[:, 10:] == found[0, 10:]).all()
    assert np.abs(found.astype(int) - frames).mean() < 20


def test_few_colours_are_exact() -> None:
    frames = np.zeros((3, 4, 4, 3), np.uint8)
    frames[0, 0] = (255, 0, 0)
    frames[1, 1] = (0, 254, 1)
    frames[2, 2] = (9, 8, 7)
    np.testing.assert_array_equal(decode_gif(encode_gif(frames, 10)), frames)


@pytest.mark.parametrize(
    ("frames_per_second", "durations"), [(10, [100] * 6), (30, [30, 40, 30, 30, 40, 30]), (100, [20] * 6)]
)
def test_the_pace_is_kept_to_the_hundredth(frames_per_second: float, durations: list[int]) -> None:
    with Image.open(io.BytesIO(encode_gif(grey_frames(6), frames_per_second))) as image:
        found = []
        for index in range(6):
            image.seek(index)
            found.append(image.info["duration"])
    assert found == durations


def test_it_repeats_unless_told_otherwise_and_carries_a_comment() -> None:
    with Image.open(io.BytesIO(encode_gif(grey_frames(2), 10, comment="seed 3"))) as image:
        assert image.info["loop"] == 0
        assert image.info["comment"] == b"seed 3"
    with Image.open(io.BytesIO(encode_gif(grey_frames(2), 10, loop=False))) as image:
        assert "loop" not in image.info


def test_one_frame_is_a_still_picture() -> None:
    assert decode_gif(encode_gif(grey_frames(1), 10)).shape == (1, 16, 16, 3)
