"""Which arrays of a .npz are images, labels and factors, and of which split, by their names and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vae_tui.data.array_shape import find_layout
from vae_tui.data.split_names import ANY_SPLIT, SPLIT_OF, in_order
from vae_tui.errors import DataError

_IMAGES = ("images", "image", "imgs", "img", "x")
_PERHAPS_IMAGES = ("data", "pixels", "photos", "pictures", "samples", "inputs", "features", "arr_0", "")
"""Names that images have, and names that images have where there are no others; "" as in `train` and `test`."""
_LABELS = ("labels", "label", "y", "targets", "target", "classes", "class")
_FACTORS = ("latents_classes", "factors", "latents_values")
_KINDS = sorted({*_IMAGES, *_PERHAPS_IMAGES, *_LABELS, *_FACTORS} - {""}, key=len, reverse=True)
_NAME = re.compile(
    rf"(?:(?P<before>{ANY_SPLIT})[ _.-]?)?(?P<kind>{'|'.join(_KINDS)})?(?:(?<=.)[ _.-]?(?P<after>{ANY_SPLIT}))?"
)


@dataclass(frozen=True)
class _Word:
    """What an array's name says: its kind, such as "images" or "y", and its split, None where it names none."""

    kind: str
    split: str | None


@dataclass(frozen=True)
class Chosen:
    """The names of a file's arrays that are read: of each split's images, labels and factors; `unused` are the others."""

    images: Mapping[str, str]
    labels: Mapping[str, str]
    factors: Mapping[str, str]
    unused: Sequence[str]


def choose_arrays(
    shapes: Mapping[str, tuple[int, ...] | None], key: str | None, path: object, channels: int | None = None
) -> Chosen:
    """Choose by names and shapes, None for what cannot be opened; `key` names the array with the training images.

    They have so many `channels`, where that is known.

    Raises DataError where there are none, or several that may be meant.
    """
    words = {name: word for name in shapes if (word := _parse(name)) is not None}
    images = _choose_images(shapes, words, key, path, channels)
    labels = _beside(images, words, _LABELS)
    factors = _beside(images, words, _FACTORS)
    used = {*images.values(), *labels.values(), *factors.values()}
    return Chosen(images, labels, factors, [name for name in shapes if name not in used])


def _parse(name: str) -> _Word | None:
    match = _NAME.fullmatch(name.rpartition("/")[2].lower())
    if match is None or (match["before"] and match["after"]):
        return None
    split = match["before"] or match["after"]
    if split is None and match["kind"] is None:
        return None
    return _Word(match["kind"] or "", SPLIT_OF[split] if split else None)


def _choose_images(
    shapes: Mapping[str, tuple[int, ...] | None],
    words: Mapping[str, _Word],
    key: str | None,
    path: object,
    channels: int | None,
) -> dict[str, str]:
    """The array of each split."""
    if key is not None:
        if key not in shapes:
            raise DataError(f"{path} has no array `{key}` (data.key); it holds {_listed(shapes)}")
        word = words.get(key)
        others = _of_kind(shapes, words, word.kind, path) if word and word.split in ("train", None) else {}
        return {"train": key} | {split: name for split, name in others.items() if split != "train"}
    for kinds in (_IMAGES, _PERHAPS_IMAGES):
        found = {kind: splits for kind in kinds if (splits := _of_kind(shapes, words, kind, path))}
        found = {kind: splits for kind, splits in found.items() if "train" in splits} or found
        if len(found) > 1:
            likely = (kind for kind, splits in found.items() if _may_be_images(shapes[splits["train"]], channels))
            found = {kind: found[kind] for kind in likely} or found
        if len(found) == 1:
            (splits,) = found.values()
            if "train" not in splits:
                names = " and ".join(f"`{name}`" for name in splits.values())
                raise DataError(
                    f"{path} has {names} but no images to train on, `train_images` or `images`; it holds "
                    f"{_listed(shapes)}; choose with --set data.key=NAME"
                )
            return splits
        if found:
            raise _several(shapes, [name for splits in found.values() for name in splits.values()], path)
    return {"train": _only_one(shapes, words, path)}


def _of_kind(
    shapes: Mapping[str, tuple[int, ...] | None], words: Mapping[str, _Word], kind: str, path: object
) -> dict[str, str]:
    """The arrays of one kind by their split; what names no split is for training. Raises DataError for two of a split."""
    splits: dict[str, str] = {}
    for name, word in words.items():
        shape = shapes[name]
        if word.kind != kind or (shape is not None and len(shape) < 2):
            continue
        split = word.split or "train"
        if split in splits:
            both = sorted((splits[split], name), key=lambda name: words[name].split is None)
            raise DataError(
                f"{path} has both `{both[0]}` and `{both[1]}`; expected one of them; choose with --set data.key=NAME"
            )
        splits[split] = name
    return {split: splits[split] for split in in_order(splits)}


def _only_one(shapes: Mapping[str, tuple[int, ...] | None], words: Mapping[str, _Word], path: object) -> str:
    """The only array that can be images, whatever its name."""
    known = (*_LABELS, *_FACTORS)
    possible = [
        name
        for name, shape in shapes.items()
        if (shape is None or len(shape) >= 2) and not (name in words and words[name].kind in known)
    ]
    if len(possible) > 1:
        possible = [name for name in possible if len(shapes[name] or ()) >= 3] or possible
    if len(possible) == 1:
        return possible[0]
    if possible:
        raise _several(shapes, possible, path)
    raise DataError(f"{path} has no images, `images` or `train_images`; it holds {_listed(shapes)}")


def _may_be_images(shape: tuple[int, ...] | None, channels: int | None) -> bool:
    try:
        return shape is not None and find_layout(shape, "", channels) is not None
    except DataError:
        return False


def _several(shapes: Mapping[str, tuple[int, ...] | None], names: Sequence[str], path: object) -> DataError:
    return DataError(
        f"{path} has several arrays that may be the images: {_listed({name: shapes[name] for name in names})}; "
        f"choose with --set data.key={names[0]}"
    )


def _beside(images: Mapping[str, str], words: Mapping[str, _Word], kinds: Sequence[str]) -> dict[str, str]:
    """Of each split with images, the array of the first of the kinds that is there."""
    name_of = {word: name for name, word in words.items()}
    found = {}
    for split, image_name in images.items():
        own = words[image_name].split if image_name in words else None
        splits = list(dict.fromkeys([own, *(("train", None) if split == "train" else (split,))]))
        for word in (_Word(kind, its_split) for kind in kinds for its_split in splits):
            if word in name_of:
                found[split] = name_of[word]
                break
    return found


def _listed(shapes: Mapping[str, tuple[int, ...] | None]) -> str:
    if not shapes:
        return "nothing"
    told = [f"{name} {shape}" if shape is not None else name for name, shape in list(shapes.items())[:12]]
    return ", ".join(told) + (f" and {len(shapes) - 12:,} more" if len(shapes) > 12 else "")
