"""Sizes that a recipe allows and a network cannot have, found before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

from vae_tui.recipe.tables import DataTable, ModelTable, Recipe
from vae_tui.wording import counted

Sides = tuple[int, int]
"""Height and width."""
_MNIST = ("mnist", "fashion-mnist", "binarized-mnist")


def size_errors(recipe: Recipe) -> Iterator[str]:
    """A sentence for each; none about arrays, whose images only their file knows."""
    sides = _image_sides(recipe.data)
    if sides is None:
        return
    if too_small := shrinking_error(recipe.model, sides):
        yield too_small
    else:
        yield from norm_errors(recipe.model, sides, smallest_batch=recipe.train.batch_size)


def shrinking_error(model: ModelTable, sides: Sides) -> str:
    """What is wrong where nothing is left of images of these sides; empty where all is well."""
    if model.network not in ("conv", "resnet"):
        return ""
    least = 2 if model.network == "resnet" else 1
    if min(min(size) for size in feature_sizes(model, sides)) >= least:
        return ""
    count = len(model.channels)
    if model.network == "resnet":
        shrinking = f"{counted(count, 'resolution')}, each half the last: give fewer channels"
        if count == 1:
            shrinking = "a resnet, whose pixels see their neighbours: give larger images"
    else:
        fewer = "fewer channels, " if count > 1 else ""
        shrinking = (
            f"{counted(count, 'convolution')} (kernel_size {model.kernel_size}, stride {model.stride}, padding "
            f"{model.padding}, pool {model.pool}): give {fewer}a smaller kernel_size or stride, or larger images"
        )
    return f"[model] channels: images of {sides[0]}x{sides[1]} are too small for {shrinking}"


def norm_errors(model: ModelTable, sides: Sides, *, smallest_batch: int) -> Iterator[str]:
    """A sentence for each way in which there is a single value to normalise: it less itself is nothing."""
    if model.network != "conv" or (1, 1) not in feature_sizes(model, sides)[1 : len(model.channels) + 1]:
        return
    if model.norm == "batch" and smallest_batch == 1:
        yield (
            '[model] norm: "batch" has nothing to normalise by in a batch of one image (an epoch may end with one), where '
            'images shrink to a single pixel; give another batch_size, fewer channels, or norm = "none"'
        )
    if model.norm == "group" and _is_alone_in_its_group(model, sides):
        yield (
            '[model] norm: "group" has nothing to normalise by where a convolution leaves a single pixel of so few channels '
            'that each is a group by itself; give it more than 8 channels, leave it out, or norm = "none"'
        )


def group_count(channels: int) -> int:
    """How many groups channels are normalised in: of 8, 4, 2 and 1 the most that divide them evenly."""
    return next(count for count in (8, 4, 2, 1) if channels % count == 0)


def _is_alone_in_its_group(model: ModelTable, sides: Sides) -> bool:
    sizes = feature_sizes(model, sides)[1:]
    return any(
        size == (1, 1) and group_count(width) == width for size, width in zip(sizes, model.channels, strict=False)
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
