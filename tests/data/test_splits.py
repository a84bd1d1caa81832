from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from vae_tui.data.sets import PackedImages, StoredSets
from vae_tui.data.splits import separate
from vae_tui.errors import DataError


def numbered(start: int, stop: int) -> Any:
    """Images of one pixel block each, labelled with their number."""
    labels = torch.arange(start, stop)
    return PackedImages((labels % 256).to(torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous(), labels)


def cut(stored: StoredSets, *, validation: float = 0.1, test: float = 0.1, seed: int = 0) -> tuple[list[int], ...]:
    sets = separate(stored, validation_share=validation, test_share=test, seed=seed, source="set")
    parts = []
    images: Any
    for images in (sets.train, sets.validation, sets.test):
        if images is not None:
            assert torch.equal(images.pixels[:, 0, 0, 0].long(), images.labels % 256)
        parts.append([] if images is None else images.labels.tolist())
    return tuple(parts)


def test_every_image_is_in_exactly_one_split_in_its_order() -> None:
    train, validation, test = cut(StoredSets(numbered(0, 1000)))
    assert (len(train), len(validation), len(test)) == (810, 90, 100)
    assert sorted(train + validation + test) == list(range(1000))
    for part in (train, validation, test):
        assert part == sorted(part)


def test_factors_follow_their_images() -> None:
    def known(start: int, stop: int) -> PackedImages:
        images = numbered(start, stop)
        return replace(images, factors=torch.stack([images.labels // 10, images.labels % 10], 1))

    stored = StoredSets(known(0, 500), known(500, 600), factor_names=("tens", "ones"))
    for share in (0.0, 0.1):
        sets = separate(stored, validation_share=share, test_share=0.2, seed=0, source="set")
        assert sets.factor_names == ("tens", "ones")
        images: Any
        for images in (sets.train, sets.validation, sets.test):
            if images is not None:
                assert torch.equal(images.factors @ torch.tensor([10, 1]), images.labels)
    assert (
        separate(StoredSets(numbered(0, 9)), validation_share=0, test_share=0.2, seed=0, source="").train.factors
        is None
    )


def test_the_same_seed_cuts_the_same_and_another_does_not() -> None:
    stored = StoredSets(numbered(0, 500))
    assert cut(stored, seed=3) == cut(stored, seed=3)
    assert cut(stored, seed=3)[2] != cut(stored, seed=4)[2]


def test_the_cut_does_not_depend_on_threads_or_on_other_draws() -> None:
    stored = StoredSets(numbered(0, 500))
    expected = cut(stored)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(99)
    try:
        assert cut(stored) == expected
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("validation", [0.0, 0.05, 0.5])
def test_the_test_split_does_not_depend_on_the_validation_share(validation: float) -> None:
    stored = StoredSets(numbered(0, 200))
    assert cut(stored, validation=validation)[2] == cut(stored)[2]


def test_no_validation_leaves_everything_but_test_to_train_on() -> None:
    train, validation, test = cut(StoredSets(numbered(0, 100)), validation=0)
    assert validation == []
    assert (len(train), len(test)) == (90, 10)


def test_a_test_split_of_its_own_is_kept_whole() -> None:
    train, validation, test = cut(StoredSets(numbered(0, 100), test=numbered(500, 510)))
    assert test == list(range(500, 510))
    assert (len(train), len(validation)) == (90, 10)


def test_a_validation_split_of_its_own_is_kept_whole() -> None:
    train, validation, test = cut(StoredSets(numbered(0, 100), validation=numbered(500, 507)))
    assert validation == list(range(500, 507))
    assert (len(train), len(test)) == (90, 10)


def test_without_validation_its_images_are_trained_on() -> None:
    train, validation, test = cut(StoredSets(numbered(0, 50), numbered(500, 507), numbered(600, 605)), validation=0)
    assert train == [*range(50), *range(500, 507)]
    assert validation == []
    assert test == list(range(600, 605))


def test_each_split_has_an_image_however_small_the_share() -> None:
    train, validation, test = cut(StoredSets(numbered(0, 3)), validation=0.001, test=0.001)
    assert [len(train), len(validation), len(test)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("count", "validation", "test", "told"),
    [
        (2, 0.1, 0.1, "data.test = 0.1 takes 1 of them and data.validation = 0.1 takes 1 of them"),
        (1, 0.0, 0.1, "data.test = 0.1 takes 1 of them"),
        (10, 0.1, 0.99, "data.test = 0.99 takes 10 of them"),
    ],
)
def test_too_few_images_are_refused(count: int, validation: float, test: float, told: str) -> None:
    with pytest.raises(DataError, match=r"^set: ") as error:
        cut(StoredSets(numbered(0, count)), validation=validation, test=test)
    assert told in str(error.value)
    assert "leaves none to train on" in str(error.value)


def test_images_without_labels_stay_without(load, tmp_path) -> None:
    np.save(tmp_path / "grey.npy", np.arange(40 * 16, dtype=np.uint16).reshape(40, 4, 4) % 256)
    sets = load(name="npz", root=tmp_path / "grey.npy")
    assert sets.train.labels is sets.validation.labels is sets.test.labels is None
    assert sets.class_names == ()
