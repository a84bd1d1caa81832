"""Sizes that a recipe allows and a network cannot have, found before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

from vae_tui.recipe.tables import DataTable, ModelTable, Recipe

Sides = tuple[int, int]
"""Height and width."""
_MNIST = ("mnist", "fashion-mnist", "binarized-mnist")


def size_errors(recipe: Recipe) -> Iterator[str]:
    """A sentence for each; none about arrays, whose images only their file knows."""
    model, sides = recipe.model, _image_sides(recipe.data)
    if sides is None or model.network not in ("conv", "resnet"):
        return
    sizes = feature_sizes(model, sides)
    least = 2 if model.network == "resnet" else 1
    if min(min(size) for size in sizes) < least:
        shrinking = (
            f"{len(model.channels)} resolutions, each half the last: give fewer channels"
            if model.network == "resnet"
            else f"{len(model.channels)} convolutions (kernel_size {model.kernel_size}, stride {model.stride}, padding "
            f"{model.padding}, pool {model.pool}): give fewer channels, a smaller stride or larger images"
        )
        yield f"[model] channels: images of {sides[0]}x{sides[1]} are too small for {shrinking}"
    elif model.norm == "batch" and recipe.train.batch_size == 1 and (1, 1) in sizes:
        yield (
            '[model] norm: "batch" has nothing to normalise by with batch_size = 1, where images shrink to a single '
            'pixel; give a larger batch_size, fewer channels, or norm = "group"'
        )


def feature_sizes(model: ModelTable, sides: Sides) -> list[Sides]:
    """Height and width of the images and after each convolution (of a resnet: of each resolution), and after pooling."""
    sizes = [sides]
    if model.network == "resnet":
        for _ in model.channels[1:]:
            sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
        return sizes
    for _ in model.channels:
        height, width = ((n + 2 * model.padding - model.kernel_size) // model.stride + 1 for n in sizes[-1])
        sizes.append((height, width))
    return [*sizes, (sizes[-1][0] // model.pool, sizes[-1][1] // model.pool)]


def _image_sides(data: DataTable) -> Sides | None:
    if data.name in _MNIST:
        return 28, 28
    if data.image_size is None:
        return None
    return data.image_size if isinstance(data.image_size, tuple) else (data.image_size, data.image_size)
