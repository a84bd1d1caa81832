"""What a checkpoint's or a state's header says, read and verified without torch.

The container is safetensors: 8 bytes with the header's length, the header as JSON, the tensors' bytes. Its metadata holds
one JSON document of ours under `vae_tui`. That holds the SHA-256 of the tensors under `tensors_sha256` and, last, under
`metadata_sha256` that of itself without its last key. So a header alone is verified in no time, and the tensors where they are read.
Files written before there were digests have neither and are taken as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

from vae_tui.errors import CheckpointError
from vae_tui.fields import checks_of, find_wrong, is_count
from vae_tui.runs.files import open_file

_LONGEST_HEADER = 100_000_000
_BLOCK = 1 << 22
_SEAL = re.compile(r', "metadata_sha256": "([0-9a-f]{64})"}$')
_NAMED_BY_STEP = re.compile(r"(?:step|state)-(\d{9,})\.safetensors")
_ITEM_BYTES = {
    **{"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2},
    **{"I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1},
}


class _Known(TypedDict, total=False):
    """The metadata of checkpoints and states that this version reads, by name."""

    version: str
    step: int
    epoch: int
    epochs_done: float
    recipe: dict[str, dict[str, Any]]
    image_shape: tuple[int, int, int]
    class_names: list[str]
    data_root: str
    images_crc32: int | dict[str, int]
    train: dict[str, float | None]
    validation: dict[str, float | None]
    rate_per_dimension: list[float | None]
    ema_width: float
    ema_widths: list[float]
    is_last: bool
    tensors_sha256: str
    weights_sha256: str
    position: int
    device: str
    best_loss: float | None
    objective_since: int
    epoch_is_over: bool
    elapsed_seconds: float
    threads: int
    ranks: int
    compiled: bool
    torch: str


_CHECKS = checks_of(_Known)


class TornFile(CheckpointError):
    """A checkpoint or a state that was cut short, or never written: what a power cut leaves."""


class UnreadableFile(CheckpointError):
    """A checkpoint or a state that this user may not read: it may be whole."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: its type as safetensors names it, its shape, and where its bytes are."""

    dtype: str
    shape: tuple[int, ...]
    begins: int
    ends: int


@dataclass(frozen=True)
class Header:
    """A file's header: our metadata and the tensors there are, by name."""

    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]


def read_metadata(path: Path) -> dict[str, Any]:
    """The metadata in a file's header, verified; raises CheckpointError where it is missing, damaged or not ours."""
    return read_header(path).metadata


def read_header(path: Path) -> Header:
    """The header of a file, verified and as long as it says the file is; raises CheckpointError as `read_metadata`."""
    try:
        with open_file(path) as file:
            return _parse_header(path, file)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except OSError as error:
        raise _describe_unread(path, error) from error


def has_digests(metadata: Mapping[str, Any]) -> bool:
    """Whether metadata carries the digest of its file's tensors, as every file does that is written now."""
    return "tensors_sha256" in metadata


def lost_digests(path: Path, other: Path) -> str:
    """What to tell of a file of a run that carries no digests, though the `other`, which is no newer, does."""
    return f"{path} carries no digests, though {other.name} does: another program wrote or changed it"


def read_whole(path: Path) -> tuple[bytes, Header]:
    """All bytes of a file, its tensors verified, and its header; raises CheckpointError as `read_metadata`."""
    header = read_header(path)
    try:
        with open_file(path) as file:
            content = file.read()
    except OSError as error:
        raise _describe_unread(path, error) from error
    view = memoryview(content)
    _compare(path, header, lambda tensor: (view[tensor.begins : tensor.ends],))
    return content, header


def verify(path: Path) -> Header:
    """The header of a file whose tensors are whole, of which no more than some are in memory at once.

    Raises CheckpointError as `read_metadata`.
    """
    header = read_header(path)
    try:
        with open_file(path) as file:

            def blocks(tensor: StoredTensor) -> Iterable[bytes]:
                file.seek(tensor.begins)
                for begins in range(tensor.begins, tensor.ends, _BLOCK):
                    yield file.read(min(_BLOCK, tensor.ends - begins))

            _compare(path, header, blocks)
    except OSError as error:
        raise _describe_unread(path, error) from error
    return header


def _describe_unread(path: Path, error: OSError) -> CheckpointError:
    if isinstance(error, PermissionError):
        return UnreadableFile(
            f"{path} cannot be read: {error.strerror}; give yourself the right to, as by: chmod u+r {path}"
        )
    return CheckpointError(f"{path} cannot be read: {error.strerror}")


def seal_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as the header holds it, with its digest."""
    document = json.dumps(metadata, allow_nan=False)
    return {"vae_tui": f'{document[:-1]}, "metadata_sha256": "{_sha256(document)}"}}'}


def read_digest(content: bytes) -> str:
    """The digest of the tensors in a file just encoded."""
    (length,) = struct.unpack_from("<Q", content)
    document = json.loads(content[8 : 8 + length])["__metadata__"]["vae_tui"]
    return str(json.loads(document)["tensors_sha256"])


def digest_tensors(tensors: Iterable[tuple[str, str, tuple[int, ...], Iterable[bytes | memoryview]]]) -> str:
    """The SHA-256 of tensors: name, type as safetensors names it, shape and bytes of each, in the order of the names."""
    digest = hashlib.sha256()
    for name, dtype, shape, blocks in tensors:
        digest.update(json.dumps([name, dtype, shape]).encode())
        for block in blocks:
            digest.update(block)
    return digest.hexdigest()


def _compare(path: Path, header: Header, blocks: Callable[[StoredTensor], Iterable[bytes | memoryview]]) -> None:
    wanted = header.metadata.get("tensors_sha256")
    if wanted is None:
        return
    found = ((name, tensor.dtype, tensor.shape, blocks(tensor)) for name, tensor in sorted(header.tensors.items()))
    if digest_tensors(found) != wanted:
        raise CheckpointError(f"{path} is damaged: its tensors are not those that were written{_name_others(path)}")


def _name_others(path: Path) -> str:
    """Which other weights there are beside a checkpoint of a run."""
    if not path.name.startswith("step-"):
        return ""
    others = sorted(other.name for other in path.parent.glob("step-*.safetensors") if other.name != path.name)
    if not others:
        return "; there are no others in its run"
    return f"; name another of its run, {' or '.join(others)}, or delete it, and the best of these is taken"


def _parse_header(path: Path, file: BinaryIO) -> Header:
    size = file.seek(0, 2)
    file.seek(0)
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_LONGEST_HEADER, size):
            raise ValueError("no header")
        header = json.loads(file.read(length))
        about = header.pop("__metadata__", {})
        tensors = {name: _parse_tensor(entry, 8 + length) for name, entry in header.items()}
    except (struct.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TornFile(f"{path} is no whole safetensors file: it is damaged or was cut short") from None
    document = about.get("vae_tui") if isinstance(about, dict) else None
    if not isinstance(document, str):
        raise CheckpointError(f"{path} is a safetensors file, but vae-tui did not write it: it carries no recipe")
    try:
        metadata = json.loads(document)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path} is damaged: its metadata is no JSON") from None
    if not isinstance(metadata, dict):
        raise CheckpointError(f"{path} is damaged: its metadata is no JSON object")
    if "metadata_sha256" in metadata or "tensors_sha256" in metadata:
        sealed = _SEAL.search(document)
        if sealed is None or sealed[1] != _sha256(document[: sealed.start()] + "}"):
            raise CheckpointError(f"{path} is damaged: its metadata is not what was written")
    ends = max((tensor.ends for tensor in tensors.values()), default=8 + length)
    if size != ends:
        raise TornFile(
            f"{path} is no whole safetensors file: it is {size:,} bytes long, and its header says {ends:,}: it is "
            "damaged or was cut short"
        )
    if (wrong := find_wrong(metadata, _CHECKS)) is not None:
        raise CheckpointError(f"{path} is damaged or was not written by vae-tui: {wrong} in its metadata")
    named = _NAMED_BY_STEP.fullmatch(path.name)
    if named and metadata.get("step", int(named[1])) != int(named[1]):
        raise CheckpointError(
            f"{path} is named by step {int(named[1]):,}, but is of step {metadata['step']:,}: a copy of another under its name"
        )
    return Header(metadata, tensors)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _parse_tensor(entry: Any, data_begins: int) -> StoredTensor:
    """Raises ValueError, TypeError or KeyError for what is no tensor."""
    begins, ends = entry["data_offsets"]
    shape, dtype = entry["shape"], entry["dtype"]
    if not (is_count(begins) and is_count(ends) and isinstance(shape, list) and all(map(is_count, shape))):
        raise ValueError("no tensor")
    count = _ITEM_BYTES[dtype]
    for side in shape:
        count *= side
    if ends - begins != count:
        raise ValueError("no tensor")
    return StoredTensor(dtype, tuple(shape), data_begins + begins, data_begins + ends)
