"""Directions against what linear algebra says of the same codes and the same decoder."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from vae_tui.errors import VaeTuiError
from vae_tui.latent.codes import Codes
from vae_tui.latent.directions import choose_distances, find_directions
from vae_tui.latent.ranges import Range
from vae_tui.latent.space import Space
from vae_tui.model import VAE, build
from vae_tui.recipe import parse

NAMES = ("4", "9", "t-shirt", "boot")


def vae_of(model: dict[str, Any], size: int = 3) -> VAE:
    recipe = parse({"model": {"latent_dim": size, **model}})[0]
    return build(recipe, (1, 4, 5), seed=2).eval()


@pytest.fixture
def codes() -> Codes:
    generator = np.random.default_rng(0)
    mean = generator.normal(size=(400, 3)) @ np.array([[3, 0, 0], [1, 1, 0], [0, 0.5, 0.2]]) + [1, 2, 3]
    labels = generator.integers(0, 4, 400)
    return Codes(mean.astype(np.float32), np.zeros((400, 3), np.float32), labels, NAMES)


def space_of(codes: Codes, vae: VAE | None = None) -> Space:
    return cast(Space, SimpleNamespace(vae=vae or vae_of({"hidden": []}), codes=lambda: codes))


def find(space: Space, *names: str) -> Sequence[Any]:
    return find_directions(space, names, np.array([0.3, -0.2, 0.1], np.float32))


def test_principal_components_are_the_covariances_eigenvectors(codes: Codes) -> None:
    values, vectors = np.linalg.eigh(np.cov(codes.mean.T.astype(float)))
    for number, direction in enumerate(find(space_of(codes), "pca:1", "pca:2", "pca:3")):
        assert abs(direction.vector @ vectors[:, -1 - number]) == pytest.approx(1, abs=1e-4)
        assert direction.note == f"{values[-1 - number] / values.sum():.0%} of variance"


def test_a_class_leads_to_another_whatever_they_are_called(codes: Codes) -> None:
    (direction,) = find(space_of(codes), "class:t-shirt-boot")
    assert codes.labels is not None
    first, second = (codes.mean[codes.labels == index].mean(0) for index in (2, 3))
    length = np.linalg.norm(second - first)
    np.testing.assert_allclose(direction.vector, (second - first) / length, atol=1e-4)
    assert direction.note == f"{length:.2f} apart"
    for other in ("class:T-Shirt-Boot", "class:t-bo"):
        (again,) = find(space_of(codes), other)
        assert again.name == "class:t-shirt-boot"
        np.testing.assert_array_equal(again.vector, direction.vector)


@pytest.mark.parametrize(
    "model",
    [
        {"hidden": []},
        {"hidden": [7], "activation": "tanh"},
        {"network": "gated", "hidden": [6]},
        {"network": "conv", "channels": [4]},
    ],
    ids=str,
)
def test_the_jacobians_vectors_change_the_picture_most(codes: Codes, model: dict[str, Any]) -> None:
    vae = vae_of(model)
    point = torch.tensor([0.3, -0.2, 0.1])
    jacobian = torch.autograd.functional.jacobian(lambda z: vae.decode(z[None]).flatten(), point)
    _, singular, vectors = torch.linalg.svd(jacobian, full_matrices=False)
    for number, direction in enumerate(find(space_of(codes, vae), "jacobian:1", "jacobian:2", "jacobian:3")):
        assert abs(direction.vector @ vectors[number].numpy()) == pytest.approx(1, abs=1e-3)
        assert direction.note == f"gain {singular[number]:.2f}"


def test_a_direction_points_the_same_way_every_time(codes: Codes) -> None:
    for direction in find(space_of(codes), "pca:1", "pca:2", "jacobian:1"):
        assert direction.vector[np.abs(direction.vector).argmax()] > 0
        assert np.linalg.norm(direction.vector) == pytest.approx(1)


def test_distances_are_a_number_or_as_far_as_codes_are(codes: Codes) -> None:
    space, latent = space_of(codes), np.array([1, 2, 3], np.float32)
    directions = find(space, "pca:1", "pca:2")
    np.testing.assert_allclose(choose_distances(Range("prior", 2), 3, directions, space, latent), [[-2, 0, 2]] * 2)
    found = choose_distances(Range("data"), 2, directions, space, latent)
    for direction, (low, high) in zip(directions, found, strict=True):
        along = (codes.mean - latent) @ direction.vector
        assert ((along < low).mean(), (along > high).mean()) == pytest.approx((0.005, 0.005), abs=0.003)
    with pytest.raises(VaeTuiError, match="with --along give a number or data"):
        choose_distances(Range("quantiles"), 3, directions, space, latent)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("up", "up: expected pca:K, class:A-B or jacobian:K, K counted from 1"),
        ("pca", "expected pca:K"),
        ("pca:x", "expected pca:K"),
        ("pca:0", "expected pca:1 to pca:3"),
        ("jacobian:4", "expected jacobian:1 to jacobian:3"),
        ("class:4", "expected two classes and a hyphen, such as class:4-9, of 4, 9, t-shirt, boot"),
        ("class:4-hat", "expected two classes and a hyphen"),
        ("class:9-9", "these are not two classes with codes in two places"),
    ],
)
def test_what_names_no_direction_is_refused(codes: Codes, name: str, problem: str) -> None:
    with pytest.raises(VaeTuiError, match=problem):
        find(space_of(codes), name)


def test_rounded_codes_have_no_jacobian(codes: Codes) -> None:
    recipe = parse({"model": {"posterior": "fsq", "levels": [4, 3, 3], "latent_dim": 3, "hidden": [8]}})[0]
    with pytest.raises(VaeTuiError, match="codes are rounded"):
        find(space_of(codes, build(recipe, (1, 4, 5)).eval()), "jacobian:1")
