"""What is in a folder and in the folders within it: images, and what is left aside, with its reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import features

from vae_tui.data.split_names import split_within_name

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
    *((".avif",) if features.check("avif") else ()),
    *((".jp2", ".j2k", ".jpx") if features.check("jpg_2000") else ()),
)
"""Endings of files that are read as images, in any case."""
_MAGIC_WORDS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_DROPPINGS = {
    *("@eadir", "#recycle", "__macosx", ".thumbnails", ".ipynb_checkpoints", "$recycle.bin", "lost+found"),
    *("system volume information", ".trashes", ".spotlight-v100", ".fseventsd", ".git", ".cache"),
    *("thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", ".localized", "icon\r", ".gitkeep", ".gitignore"),
    *(".directory", ".nomedia", ".picasa.ini", ".keep"),
}
"""What file managers and cameras leave behind; no data, and no word is lost on it."""
_ARCHIVE, _CONVERT, _SAVE = (
    "unpack the archive",
    "convert them to PNG or JPEG",
    "save the images as files, or as a .npy",
)
_WAYS_OUT = {
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".xz", ".bz2"), _ARCHIVE),
    **dict.fromkeys((".heic", ".heif", ".avif", ".jxl", ".svg", ".pdf", ".dng", ".cr2", ".nef", ".arw"), _CONVERT),
    **dict.fromkeys((".tga", ".pcx", ".ico", ".psd", ".raw", ".jp2", ".j2k", ".exr", ".dcm"), _CONVERT),
    **dict.fromkeys((".npy", ".npz"), 'data.name = "npz" reads arrays'),
    **dict.fromkeys((".csv", ".tsv"), 'data.name = "csv" reads tables of pixels'),
    **dict.fromkeys((".parquet", ".arrow", ".tfrecord", ".h5", ".hdf5", ".mat", ".pt", ".pkl", ".lmdb", ".mdb"), _SAVE),
}
_THUMBNAILS = "thumbnails"
_NAMES_TOLD = 3
_KINDS_TOLD = 8


class LeftAside:
    """What of a folder is not read, by kind."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[tuple[str, str], list[str]] = {}

    def add(self, path: Path, one: str, several: str) -> None:
        """Leave a path aside, as one of a kind, to be told as "1 `one`" or "2 `several`"."""
        self._names.setdefault((one, several), []).append(path.relative_to(self._root).as_posix())

    def sentence(self) -> str | None:
        """All of it with counts and the first names of each kind, the most frequent kind first."""
        kinds = sorted(self._names.items(), key=lambda kind: -len(kind[1]))
        told = []
        for (one, several), names in kinds[:_KINDS_TOLD]:
            more = len(names) - _NAMES_TOLD
            named = ", ".join(sorted(names)[:_NAMES_TOLD]) + (f" and {more:,} more" if more > 0 else "")
            told.append(f"{len(names):,} {one if len(names) == 1 else several} ({named})")
        if rest := sum(len(names) for _, names in kinds[_KINDS_TOLD:]):
            told.append(f"{rest:,} of other kinds")
        return f"not used: {', '.join(told)}" if told else None

    def way_out(self) -> str:
        """What to do with files of the first kind that something can be done with, where nothing else is there."""
        return next((f"; {do}" for suffix, do in _WAYS_OUT.items() if (suffix, suffix) in self._names), "")


@dataclass
class PhotoFolder:
    """A folder with the images right in it and the folders in it, both in the order of their names."""

    path: Path
    photos: list[Path] = field(default_factory=list)
    folders: list[PhotoFolder] = field(default_factory=list)
    is_empty: bool = True
    """Whether nothing else is right in it either."""

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.name

    def walk(self) -> Iterator[Path]:
        """Every image in it and in folders within it."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield from folder.photos
            waiting.extend(reversed(folder.folders))

    @property
    def has_photos(self) -> bool:
        """Whether there is an image in it, however deep."""
        return next(self.walk(), None) is not None

    @property
    def filled(self) -> list[PhotoFolder]:
        """The folders in it that hold images, however deep."""
        return [folder for folder in self.folders if folder.has_photos]


def read_tree(root: Path, aside: LeftAside) -> PhotoFolder:
    """List a folder and all within it. Links are followed, but neither twice nor to where the folder itself is.

    Raises OSError for a folder that may not be listed.
    """
    tree = PhotoFolder(root)
    seen = {_identity(root.stat()), *(_identity(parent.stat()) for parent in root.resolve().parents)}
    links: list[tuple[PhotoFolder, Path]] = []
    waiting = [tree]
    while waiting or links:
        if waiting:
            folder = waiting.pop()
            _list(folder, waiting, links, seen, aside)
        else:
            # Links after all that is there itself, so that it keeps its place.
            folder, link = links.pop(0)
            _follow(folder, link, waiting, seen, aside)
    _sort(tree)
    _tell_empty(tree, aside)
    return tree


def tell_others(folder: Path, used: Collection[Path]) -> list[str]:
    """A note on what is right in a folder and is not used, if there is anything."""
    aside = LeftAside(folder)
    for path in sorted(folder.iterdir()):
        if path not in used and path.name.lower() not in _DROPPINGS and not path.name.startswith("."):
            aside.add(
                path, *(["folder", "folders"] if path.is_dir() else [path.suffix.lower() or "without an ending"] * 2)
            )
    sentence = aside.sentence()
    return [] if sentence is None else [sentence]


def tell_other_splits(file: Path) -> list[str]:
    """A note on test.csv and its like beside train.csv: files called alike, after other splits."""
    named = split_within_name(file.name)
    if named is None or named[0] != "train":
        return []
    others = {path.name: split_within_name(path.name) for path in sorted(file.parent.glob("*"))}
    beside = [
        name for name, other in others.items() if other is not None and other[0] != "train" and other[1] == named[1]
    ]
    way_out = (
        "join them in one archive"
        if file.suffix.lower() in (".npz", ".tif", ".tiff")
        else "name the folder to read both"
    )
    return [f"not used: {', '.join(beside[:_NAMES_TOLD])} beside {file.name}; {way_out}"] if beside else []


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _list(
    folder: PhotoFolder,
    waiting: list[PhotoFolder],
    links: list[tuple[PhotoFolder, Path]],
    seen: set[tuple[int, int]],
    aside: LeftAside,
) -> None:
    with os.scandir(folder.path) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    device = folder.path.stat().st_dev
    for entry in found:
        path = Path(entry)
        if entry.name.lower() in _DROPPINGS or entry.name.startswith("._"):
            continue
        folder.is_empty = False
        if entry.name.startswith("."):
            aside.add(path, "hidden", "hidden")
        elif entry.is_symlink():
            links.append((folder, path))
        elif entry.is_dir():
            if entry.name.lower() == _THUMBNAILS:
                aside.add(path, "folder of thumbnails", "folders of thumbnails")
                continue
            seen.add((device, entry.inode()))
            folder.folders.append(PhotoFolder(path))
            waiting.append(folder.folders[-1])
        elif not entry.is_file():
            aside.add(path, "neither file nor folder", "neither files nor folders")
        elif is_photo(path):
            seen.add((device, entry.inode()))
            folder.photos.append(path)
        else:
            aside.add(path, *[path.suffix.lower() or "without an ending"] * 2)


def _follow(
    folder: PhotoFolder, link: Path, waiting: list[PhotoFolder], seen: set[tuple[int, int]], aside: LeftAside
) -> None:
    try:
        found = link.stat()
    except OSError:
        aside.add(link, "link that leads nowhere", "links that lead nowhere")
        return
    if _identity(found) in seen:
        aside.add(link, "link to what is here already", "links to what is here already")
        return
    if stat.S_ISDIR(found.st_mode):
        seen.add(_identity(found))
        folder.folders.append(PhotoFolder(link))
        waiting.append(folder.folders[-1])
    elif stat.S_ISREG(found.st_mode) and is_photo(link):
        seen.add(_identity(found))
        folder.photos.append(link)
    else:
        aside.add(link, *[link.suffix.lower() or "without an ending"] * 2)


def is_photo(path: Path) -> bool:
    """Whether a file is to be read as an image: by its ending, or where it has none, by how it begins."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if len(suffix) > 1 and suffix[1:].isalpha():
        return False
    try:
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError:
        return False
    return begin.startswith(_MAGIC_WORDS) or (begin[:4] == b"RIFF" and begin[8:12] == b"WEBP")


def _sort(tree: PhotoFolder) -> None:
    """Give what links brought its place among the names."""
    waiting = [tree]
    while waiting:
        folder = waiting.pop()
        folder.photos.sort(key=lambda path: path.name)
        folder.folders.sort(key=lambda inner: inner.name)
        waiting.extend(folder.folders)


def _tell_empty(tree: PhotoFolder, aside: LeftAside) -> None:
    waiting = [tree]
    while waiting:
        for inner in waiting.pop().folders:
            waiting.append(inner)
            if inner.is_empty:
                aside.add(inner.path, "empty folder", "empty folders")
