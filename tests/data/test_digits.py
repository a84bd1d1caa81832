import numpy as np
import pytest
import torch


def test_digits_are_enlarged_and_labelled(load, said) -> None:
    sets = load(name="digits")
    assert sets.train.pixels.shape == (1455, 1, 28, 28)
    assert sets.validation.pixels.shape == (162, 1, 28, 28)
    assert sets.test.pixels.shape == (180, 1, 28, 28)
    assert sets.class_names == tuple("0123456789")
    assert sets.skipped == ()
    for images in (sets.train, sets.validation, sets.test):
        assert images.pixels.dtype == torch.uint8
        assert images.labels.dtype == torch.int64
        assert set(images.labels.tolist()) == set(range(10))
        assert images.pixels.min() == 0
        assert images.pixels.max() == 255
    assert said[0] == ("reading digits", 0, None)
    assert said[-1] == ("reading digits", 1797, 1797)


@pytest.mark.slow
def test_at_their_own_size_digits_keep_their_values(load) -> None:
    from sklearn.datasets import load_digits

    sets = load(name="digits", image_size=8)
    pixels = torch.cat([sets.train.pixels, sets.validation.pixels, sets.test.pixels]).squeeze(1).numpy()
    bits = np.round(pixels / 255 * 16)
    by_content = sorted(map(tuple, bits.reshape(-1, 64).tolist()))
    assert by_content == sorted(map(tuple, load_digits().data.tolist()))


@pytest.mark.parametrize("size", [(28, 20), (29, 31), (5, 4)])
def test_digits_take_any_height_and_width(load, size) -> None:
    sets = load(name="digits", image_size=size)
    assert sets.train.pixels.shape[1:] == (1, *size)
    assert sets.train.pixels.max() > 200


def test_the_split_of_a_seed_never_changes(load) -> None:
    # Written down once: another number here means that runs of older versions no longer repeat.
    sets = load(name="digits", seed=0)
    assert sets.test.labels[:20].tolist() == [1, 4, 9, 6, 9, 4, 3, 3, 4, 6, 0, 0, 1, 7, 2, 6, 8, 4, 3, 2]
    assert sets.validation.labels[:20].tolist() == [5, 5, 6, 5, 8, 1, 6, 5, 2, 2, 3, 0, 1, 4, 8, 5, 3, 2, 0, 0]
    assert sets.train.labels[:20].tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 0, 2, 3, 5, 6, 7, 8, 9, 0, 1, 2]
