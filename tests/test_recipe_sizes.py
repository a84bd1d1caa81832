"""Sizes that a recipe allows and a network cannot have: each is found by `check`, and what it lets through can be built."""

from __future__ import annotations

import random

import pytest
import torch

from vae_tui.errors import RecipeError
from vae_tui.model import build
from vae_tui.recipe import parse

CONV: dict[str, object] = {"network": "conv", "channels": [4, 4, 4, 4, 4]}
"""28 x 28 pixels become 14, 7, 4, 2 and 1."""
RESNET: dict[str, object] = {"network": "resnet"}


def problems_of(model: dict[str, object], batch_size: int = 100) -> tuple[str, ...]:
    try:
        parse({"model": model, "train": {"batch_size": batch_size}})
    except RecipeError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ({"kernel_size": 5, "padding": 0}, "28x28 are too small for 5 convolutions (kernel_size 5, stride 2"),
        ({"pool": 2}, "28x28 are too small for 5 convolutions"),
        ({"channels": [4], "kernel_size": 15, "pool": 8, "padding": 0}, "too small for 1 convolution (kernel_size 15"),
        ({"network": "resnet", "channels": [4] * 6}, "28x28 are too small for 6 resolutions, each half the last"),
    ],
)
def test_images_that_shrink_to_nothing_are_found_by_the_recipe_alone(model: dict[str, object], complaint: str) -> None:
    (problem,) = problems_of(CONV | model)
    assert problem.startswith("[model] channels: images of ")
    assert complaint in problem


def test_the_smallest_images_that_do_not_shrink_to_nothing_are_allowed() -> None:
    assert problems_of(CONV) == ()
    assert problems_of({"network": "resnet", "channels": [4] * 5}) == ()


def test_a_single_pixel_of_a_single_image_cannot_be_normalised_by_its_batch() -> None:
    (problem,) = problems_of(CONV | {"norm": "batch"}, batch_size=1)
    assert problem.startswith('[model] norm: "batch" has nothing to normalise by')
    assert problems_of(CONV | {"norm": "batch"}, batch_size=2) == ()
    # What is pooled is not normalised after that.
    assert problems_of({"network": "conv", "channels": [4, 4, 4], "pool": 4, "norm": "batch"}, batch_size=1) == ()


def test_a_single_pixel_cannot_be_normalised_where_each_channel_is_a_group_by_itself() -> None:
    (problem,) = problems_of(CONV | {"norm": "group"})
    assert problem.startswith('[model] norm: "group" has nothing to normalise by')
    assert problems_of(CONV | {"norm": "group", "channels": [4, 4, 4, 4, 16]}) == ()


def test_a_ladder_has_a_latent_for_each_of_its_levels() -> None:
    assert problems_of({"network": "ladder", "latent_dim": 1}) == (
        "[model] latent_dim: expected 2 at least, one for each level of a ladder, got 1",
    )
    assert problems_of({"network": "ladder", "latent_dim": 2}) == ()


def test_whatever_check_lets_through_can_be_built_and_trained() -> None:
    chosen = random.Random(0)
    tried = 0
    while tried < 60:
        sides = [chosen.choice([4, 5, 9, 28]), chosen.choice([4, 7, 28])]
        kernel = chosen.randint(1, 15)
        shape: dict[str, object] = {
            "channels": [chosen.choice([1, 2, 16]) for _ in range(chosen.randint(1, 4))],
            "latent_dim": 2,
        }
        conv: dict[str, object] = {
            "network": "conv",
            "kernel_size": kernel,
            "padding": chosen.randint(0, min(7, kernel - 1)),
            "stride": chosen.randint(1, 4),
            "pool": chosen.randint(1, 4),
            "norm": chosen.choice(["none", "batch", "group"]),
        }
        model = shape | chosen.choice([conv, RESNET])
        data: dict[str, object] = {"name": "folder", "root": "photos", "image_size": sides, "channels": 1}
        batch_size = chosen.choice([1, 2])
        try:
            recipe, _ = parse({"data": data, "model": model, "train": {"batch_size": batch_size}})
        except RecipeError:
            continue
        tried += 1
        vae = build(recipe, (1, sides[0], sides[1])).train()
        images = torch.rand(batch_size, 1, *sides)
        assert vae.reconstruct(images).shape == images.shape, model
