"""Which split and which class each image of a folder is of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vae_tui.data.photo_tree import LeftAside, PhotoFolder, read_tree
from vae_tui.data.split_names import ANY_SPLIT, SPLIT_OF, SPLITS, in_order, split_of_name, split_within_name
from vae_tui.errors import DataError

_SPLIT_FIRST = re.compile(rf"({ANY_SPLIT})[ _.-]", re.ASCII)
_SPLIT_LAST = re.compile(rf".*[ _.-]({ANY_SPLIT})\.[a-z0-9]+", re.ASCII | re.DOTALL)
_SOUND_LIKE_SPLITS = {
    *("eval", "evaluation", "holdout", "heldout", "unlabeled", "unlabelled", "unsup", "extra"),
    *("predict", "prediction", "query", "gallery", "tr", "te", "ts", "va", "vl", "trainval", "trainvaltest"),
    *("entrenamiento", "prueba", "pruebas", "entrainement", "apprentissage", "validierung", "treino", "teste"),
}
_IMAGE_FOLDERS = {"images", "image", "imgs", "img", "photos", "pictures", "jpegimages", "leftimg8bit"}
"""What a folder of images is called that is no class."""
_ANNOTATION_FOLDERS = {
    *("masks", "mask", "labels", "label", "annotations", "annotation", "segmentation", "segmentations", "depth"),
    *("segmentationclass", "segmentationobject", "gt", "ground_truth", "groundtruth", "targets", "gtfine", "gtcoarse"),
}


@dataclass(frozen=True)
class Photo:
    """An image file; `class_name` is None where there are no classes."""

    path: Path
    split: str
    class_name: str | None


def find_photos(root: Path) -> tuple[list[Photo], tuple[str, ...]]:
    """Every image in a folder with its split and class, in the order of their names, and a note on what is left aside.

    The folder is flat, or has a folder for each class, or has folders for the splits, each flat or with a folder for each
    class; the splits may also stand in each class's folder, or begin the name of every file. What holds all of this may
    be a folder in the folder, if it is the only one. Raises DataError where there are no images, or where it is not clear
    which split or class they are of.
    """
    aside = LeftAside(root)
    tree = _unwrap(read_tree(root, aside))
    if not tree.photos and (images := _annotated(tree)) is not None and images.filled and not images.photos:
        _leave_annotations(tree, images, aside)
        tree = _unwrap(images)
    if not tree.has_photos:
        found = aside.sentence()
        raise DataError(
            f"{root} holds no images (JPEG, PNG, WebP, GIF, BMP, TIFF, PPM)"
            + (f"; {found}" if found else "")
            + aside.way_out()
        )
    notes: list[str] = []
    splits = _find_splits(tree, aside) or _find_half_named(tree, aside, notes)
    if splits:
        photos = [photo for split, folder in splits.items() for photo in _of_split(folder, split, aside)]
    else:
        photos = _of_splits_in_classes(tree, aside, notes) or _of_classes(tree, "train", aside)
        if len(photos) == len(tree.photos):
            photos = _split_by_names(photos, notes)
    notes += _tell_formats(photos)
    notes += _tell_classes(photos)
    notes += _tell_inner_folders(photos)
    if (sentence := aside.sentence()) is not None:
        notes.insert(0, sentence)  # what is not there is what nobody looks for
    return photos, tuple(notes)


def _tell_formats(photos: Sequence[Photo]) -> list[str]:
    """A note where there are other files than JPEG and PNG, and not of one kind: some may be copies of others."""
    counts = Counter(photo.path.suffix.lower() or "without an ending" for photo in photos)
    if len(counts) == 1 or counts.keys() <= {".jpg", ".jpeg", ".png"}:
        return []
    return ["read: " + ", ".join(f"{count:,} {suffix}" for suffix, count in counts.most_common())]


def _tell_classes(photos: Sequence[Photo]) -> list[str]:
    """Notes on classes that are none to train on, and on those whose names sound like splits."""
    classes = {
        split: sorted({photo.class_name for photo in photos if photo.split == split and photo.class_name})
        for split in SPLITS
    }
    notes = []
    for split in ("validation", "test"):
        if classes["train"] and (strange := [name for name in classes[split] if name not in classes["train"]]):
            named = ", ".join(strange[:3]) + (f" and {len(strange) - 3:,} more" if len(strange) > 3 else "")
            notes.append(f"no training image is of {split} classes {named}")
    for name in classes["train"]:
        if not _SOUND_LIKE_SPLITS.isdisjoint(re.split("[^a-z]", name.lower())):
            notes.append(f"{name}/ is read as a class, and trained on")
    return notes


def _tell_inner_folders(photos: Sequence[Photo]) -> list[str]:
    """A note where the folders within a class's own may be what was meant by classes."""
    inner: dict[tuple[str, str], set[str]] = {}
    for photo in photos:
        if photo.class_name is not None:
            folders = photo.path.parent.parts
            own = len(folders) - folders[::-1].index(photo.class_name) if photo.class_name in folders else len(folders)
            inner.setdefault((photo.split, photo.class_name), set()).add("/".join(folders[own : own + 1]))
    several = {name: found - {""} for (_, name), found in inner.items() if len(found) > 1}
    if not several:
        return []
    name, found = next(iter(several.items()))
    named = ", ".join(f"{folder}/" for folder in sorted(found)[:3]) + (", ..." if len(found) > 3 else "")
    more = f", and so on in {len(several) - 1:,} more" if len(several) > 1 else ""
    return [f"folders within a class's are not told apart: {name}/ holds {named}{more}"]


def _unwrap(tree: PhotoFolder) -> PhotoFolder:
    """The folder itself, or the only one with images in it, where that one is divided further."""
    while not tree.photos and len(tree.filled) == 1 and split_of_name(tree.filled[0].name) is None:
        inner = tree.filled[0]
        if inner.photos or not inner.filled:
            return tree
        tree = inner
    return tree


def _find_splits(tree: PhotoFolder, aside: LeftAside) -> dict[str, PhotoFolder]:
    """The folders of the splits; none where a folder has no splits."""
    named = [(folder, split_of_name(folder.name)) for folder in tree.folders]
    found = {split: [folder for folder, its_split in named if its_split == split] for split in SPLITS}
    for several in found.values():
        if len(several) > 1:
            names = " and ".join(f"{folder.name}/" for folder in several)
            raise DataError(f"{tree.path} has both {names}; expected one of them")
    splits = {split: several[0] for split, several in found.items() if several}
    others = [folder for folder, split in named if split is None and folder.has_photos]
    if not splits:
        return {}
    names = " and ".join(f"{folder.name}/" for folder in splits.values())
    if "train" not in splits:
        raise DataError(f"{tree.path} has {names} but no train/; add it, or rename what is a class and no split")
    if len(splits) == 1 and (others or tree.photos):
        beside = ", ".join([*(f"{folder.name}/" for folder in others), *(path.name for path in tree.photos)][:5])
        raise DataError(
            f"{tree.path} has {names} beside other images ({beside}); name folders validation/ or test/ that are such "
            "splits, rename train/ if it is a class, or move away what is not to be read"
        )
    for folder in others:
        _leave(folder.walk(), aside)
    _leave(tree.photos, aside)
    return splits


def _find_half_named(tree: PhotoFolder, aside: LeftAside, notes: list[str]) -> dict[str, PhotoFolder]:
    """The folders of the splits where each is called so and alike: seg_train/ and seg_test/; none where none is.

    Raises DataError where there are several of a split, as trainA/ and trainB/ beside testA/ and testB/.
    """
    by_rest: dict[str, dict[str, list[PhotoFolder]]] = {}
    for folder in tree.filled:
        if (found := split_within_name(folder.name)) is not None:
            split, rest = found
            by_rest.setdefault(rest, {}).setdefault(split, []).append(folder)
    alike = [splits for splits in by_rest.values() if {"train"} < splits.keys()]
    if not alike:
        return {}
    folders = [folder for splits in alike for several in splits.values() for folder in several]
    names = ", ".join(f"{folder.name}/" for folder in folders)
    if len(alike) > 1 or len(folders) > len(alike[0]) or tree.photos:
        raise DataError(
            f"{tree.path} has folders that look like splits, but several of them: {names}; expected train/, validation/ "
            "and test/, with classes within them"
        )
    splits = in_order(alike[0])
    notes.append(f"{names} are read as splits: {', '.join(splits)}")
    for folder in tree.filled:
        if folder not in folders:
            _leave(folder.walk(), aside)
    return {split: alike[0][split][0] for split in splits}


def _leave(paths: Iterable[Path], aside: LeftAside) -> None:
    for path in paths:
        aside.add(path, "image beside the splits", "images beside the splits")


def _of_split(folder: PhotoFolder, split: str, aside: LeftAside) -> list[Photo]:
    """The images of a split, whose folder may be in another of that name."""
    while not folder.photos and len(folder.filled) == 1:
        inner = folder.filled[0]
        if inner.name != folder.name and split_of_name(inner.name) != split and (inner.photos or not inner.filled):
            break
        folder = inner
    if len(within := _splits_within(folder)) > 1:
        raise DataError(
            f"{folder.path} is a folder of {split} images, and holds folders for {', '.join(in_order(within))} itself; "
            "name the folder that is meant with data.root"
        )
    return _of_classes(folder, split, aside)


def _of_splits_in_classes(tree: PhotoFolder, aside: LeftAside, notes: list[str]) -> list[Photo]:
    """The images where every class has its own train/ and others; none where none has."""
    classes = tree.filled
    divided = [folder for folder in classes if "train" in _splits_within(folder)]
    if tree.photos or not divided:
        return []
    if len(divided) < len(classes):
        whole = ", ".join(f"{folder.name}/" for folder in classes if folder not in divided)
        raise DataError(
            f"{tree.path}: {divided[0].name}/ is divided into splits, but {whole} not; divide all of them, or none"
        )
    photos: dict[str, list[Photo]] = {split: [] for split in SPLITS}
    for folder in classes:
        splits = _find_splits(folder, aside)
        for split, inner in splits.items():
            photos[split] += [Photo(path, split, folder.name) for path in inner.walk()]
    used = ", ".join(split for split in SPLITS if photos[split])
    notes.append(f"each folder of {tree.path.name}/ is divided into splits ({used}), which are used as such")
    return [photo for split in SPLITS for photo in photos[split]]


def _splits_within(folder: PhotoFolder) -> set[str]:
    return {split for inner in folder.filled if (split := split_of_name(inner.name)) is not None}


def _of_classes(folder: PhotoFolder, split: str, aside: LeftAside) -> list[Photo]:
    """The images in a folder or in its class folders; raises DataError where none are."""
    classes = folder.filled
    if folder.photos and classes:
        names = ", ".join(f"{inner.name}/" for inner in classes)
        more = f" and {len(folder.photos) - 1:,} more images" if len(folder.photos) > 1 else ""
        raise DataError(
            f"{folder.path} holds {folder.photos[0].name}{more} beside folders of images ({names}); "
            "expected every image in a class folder, or none"
        )
    if folder.photos:
        return [Photo(path, split, None) for path in folder.photos]
    if not classes:
        raise DataError(f"{folder.path} holds no images (JPEG, PNG, WebP, GIF, BMP, TIFF, PPM), nor do folders in it")
    if (images := _annotated(folder)) is not None:
        _leave_annotations(folder, images, aside)
        return [Photo(path, split, None) for path in images.walk()]
    return [Photo(path, split, inner.name) for inner in classes for path in inner.walk()]


def _annotated(folder: PhotoFolder) -> PhotoFolder | None:
    """The folder called images/ or the like where all others are of masks or the like, or where there are no others."""
    images = [inner for inner in folder.filled if inner.name.lower() in _IMAGE_FOLDERS]
    others = [inner for inner in folder.filled if inner not in images]
    if len(images) != 1 or not all(inner.name.lower() in _ANNOTATION_FOLDERS for inner in others):
        return None
    return images[0]


def _leave_annotations(folder: PhotoFolder, images: PhotoFolder, aside: LeftAside) -> None:
    for inner in folder.filled:
        for path in inner.walk() if inner is not images else ():
            aside.add(path, "annotation", "annotations")


def _split_by_names(photos: Sequence[Photo], notes: list[str]) -> list[Photo]:
    """The images of a flat folder, divided where the name of every one begins or ends with that of a split."""
    for place, pattern in (("begins", _SPLIT_FIRST), ("ends", _SPLIT_LAST)):
        found = [pattern.match(photo.path.name.lower()) for photo in photos]
        splits = [SPLIT_OF[match[1]] for match in found if match]
        if len(splits) == len(photos) and {"train"} < set(splits):
            told = ", ".join(f"{split} {splits.count(split):,}" for split in in_order(splits))
            notes.append(f"every file's name {place} with its split, which is used as such: {told}")
            divided = [Photo(photo.path, split, None) for photo, split in zip(photos, splits, strict=True)]
            return [photo for split in SPLITS for photo in divided if photo.split == split]
    return list(photos)
