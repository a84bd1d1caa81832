"""Ways through latent space that are no axes of it: principal components, from class to class, what changes a picture most."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import torch

from vae_tui.errors import DataError, VaeTuiError
from vae_tui.latent.codes import Latents, class_means
from vae_tui.latent.grids import spread
from vae_tui.latent.ranges import Range
from vae_tui.latent.space import Space
from vae_tui.model import VAE
from vae_tui.walk.axes import Direction
from vae_tui.walk.classes import find_class

FORMS = "pca:K, class:A-B or jacobian:K, K counted from 1"


def find_directions(space: Space, names: Sequence[str], latent: Latents) -> list[Direction]:
    """The directions that are named so, at a latent (Z,); raises VaeTuiError for a name that says none.

    `pca:K` is the K-th principal component of the test images' codes, `class:A-B` leads from the mean code of one class to that
    of another, and `jacobian:K` is the K-th right singular vector of the decoder's Jacobian there: moved along the first, the
    picture changes most for its length.
    """
    found = []
    for name in names:
        kind, colon, rest = name.strip().partition(":")
        if kind == "class" and colon:
            found.append(_between_classes(space, rest))
        elif kind in ("pca", "jacobian") and rest.isdecimal() and 1 <= int(rest) <= space.vae.latent_dim:
            of_kind = _principal_components(space) if kind == "pca" else _sensitive(space.vae, latent)
            found.append(of_kind[int(rest) - 1])
        elif kind in ("pca", "jacobian") and rest.isdecimal():
            raise VaeTuiError(f"{name}: expected {kind}:1 to {kind}:{space.vae.latent_dim}")
        else:
            raise VaeTuiError(f"{name}: expected {FORMS}")
    return found


def choose_distances(
    range_: Range, count: int, directions: Sequence[Direction], space: Space, latent: Latents
) -> Latents:
    """How far along each of D directions the points are from a latent (Z,), rising: (D, count); raises VaeTuiError.

    A number R is from -R to R; "data" as far as all but the outermost 1 % of codes are.
    """
    if range_.kind == "prior":
        return np.tile(spread(count, -range_.reach, range_.reach), (len(directions), 1))
    if range_.kind != "data":
        raise VaeTuiError(f"--range {range_.kind}: of dimensions alone; with --along give a number or data")
    away = space.codes().mean - latent
    ends = [np.quantile(away @ direction.vector, [0.005, 0.995]) for direction in directions]
    return np.stack([spread(count, float(low), float(high)) for low, high in ends])


def _between_classes(space: Space, text: str) -> Direction:
    codes = space.codes()
    means = class_means(codes)
    for place in (index for index, character in enumerate(text) if character == "-"):
        with contextlib.suppress(DataError):
            ends = [find_class(end, codes.class_names) for end in (text[:place], text[place + 1 :])]
            way = means[ends[1]] - means[ends[0]]
            name = "class:" + "-".join(codes.class_names[end] for end in ends)
            length = float(np.linalg.norm(way))
            if not length > 0:
                raise VaeTuiError(f"class:{text}: these are not two classes with codes in two places")
            return Direction(name, (way / length).astype(np.float32), f"{length:.2f} apart")
    names = ", ".join(codes.class_names[:20])
    raise VaeTuiError(f"class:{text}: expected two classes and a hyphen, such as class:4-9, of {names}")


def _principal_components(space: Space) -> list[Direction]:
    codes = space.codes().mean.astype(np.float64)
    _, singular, vectors = np.linalg.svd(codes - codes.mean(0), full_matrices=True)
    shares = np.zeros(len(vectors))
    shares[: len(singular)] = singular**2 / max(float((singular**2).sum()), 1e-30)
    return [
        Direction(f"pca:{index + 1}", _pointing(vector), f"{share:.0%} of variance")
        for index, (vector, share) in enumerate(zip(vectors, shares, strict=True))
    ]


def _sensitive(vae: VAE, latent: Latents) -> list[Direction]:
    """The right singular vectors of the decoder's Jacobian, by the derivative of the picture along each dimension.

    Those are derivatives of products of the Jacobian with a vector by that vector, which torch has for every operation.
    """
    if vae.recipe.model.is_quantised:
        raise VaeTuiError("jacobian: codes are rounded, so that a picture does not change with them by degrees")
    size = vae.latent_dim
    points = torch.from_numpy(np.tile(np.asarray(latent, np.float32), (size, 1))).requires_grad_()
    images = vae.decode(points)
    weights = torch.zeros_like(images, requires_grad=True)
    (products,) = torch.autograd.grad(images, points, weights, create_graph=True)
    (changes,) = torch.autograd.grad(products, weights, torch.eye(size))
    jacobian = changes.flatten(1).double()  # (Z, pixels)
    squares, vectors = torch.linalg.eigh(jacobian @ jacobian.T)
    return [
        Direction(f"jacobian:{number + 1}", _pointing(vectors[:, -1 - number].numpy()), f"gain {square:.2f}")
        for number, square in enumerate(squares.clamp_min(0).sqrt().flip(0).tolist())
    ]


def _pointing(vector: np.ndarray) -> Latents:
    """The one of a vector and its opposite whose largest component is above 0, so that it is the same every time."""
    turned: Latents = (vector * np.sign(vector[np.abs(vector).argmax()])).astype(np.float32)
    return turned
