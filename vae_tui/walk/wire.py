"""Messages on a stream: a line of JSON with plain values, then the bytes of the arrays that it lists."""

from __future__ import annotations

import json
import types
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from vae_tui.walk.messages import KINDS, Array, Reply, Request

STARTING = 0
"""The number of what the process sends before it has received a request; requests count from 1."""
_PLAIN = (bool, int, float, str)


class WireError(ValueError):
    """A message, with this `number`, that is none of ours."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(problem)
        self.number = number


def write_message(stream: IO[bytes], number: int, message: Request[Any] | Reply) -> None:
    """Write a request, or a reply to the request of that number, and flush."""
    values, arrays = {}, {}
    for field in fields(message):  # type: ignore[arg-type] # every one of KINDS is a dataclass
        value = getattr(message, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = np.ascontiguousarray(value)
        elif value is not None or field.default is MISSING:
            values[field.name] = str(value) if isinstance(value, Path) else value
    layout = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    head = {"kind": type(message).__name__, "number": number, "values": values, "arrays": layout}
    parts = [json.dumps(head).encode(), b"\n", *(array.tobytes() for array in arrays.values())]
    stream.write(b"".join(parts))
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[int, Any] | None:
    """The next message and its number; None where the other side has gone, be it in the middle of one.

    Raises WireError for a message of an unknown kind or with other fields; the next one can be read after it.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    found = dict(head["values"])
    for name, dtype, shape in head["arrays"]:
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        content = stream.read(size)
        if len(content) < size:
            return None
        found[name] = np.frombuffer(bytearray(content), dtype).reshape(shape)
    try:
        return head["number"], _build(head["kind"], found)
    except (TypeError, ValueError) as error:
        raise WireError(head["number"], str(error)) from error


def _build(kind: str, found: dict[str, Any]) -> Any:
    if kind not in KINDS:
        raise ValueError(f"unknown message {kind!r}")
    hints, sizes = _hints(kind), dict[str, int]()
    for name, value in found.items():
        if name not in hints:
            raise ValueError(f"{kind} has no {name}")
        found[name] = _read(hints[name], value, f"{kind}.{name}", sizes)
    return KINDS[kind](**found)


@cache
def _hints(kind: str) -> dict[str, Any]:
    names = [field.name for field in fields(KINDS[kind])]  # type: ignore[arg-type]
    hints = get_type_hints(KINDS[kind], include_extras=True)
    return {name: hints[name] for name in names}


def _read(hint: Any, value: Any, name: str, sizes: dict[str, int]) -> Any:
    """The value of a field as it is meant; raises ValueError for one that cannot be."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = None if value is None else next(part for part in get_args(hint) if part is not types.NoneType)
    spec = getattr(hint, "__metadata__", (None,))[0]
    if isinstance(spec, Array):
        _check_array(spec, value, name, sizes)
    elif hint is Path:
        return Path(value)
    elif get_origin(hint) is tuple:
        return tuple(_read(get_args(hint)[0], item, name, sizes) for item in value)
    elif get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{name}: expected one of {', '.join(get_args(hint))}, got {value!r}")
    elif hint in _PLAIN and type(value) is not hint and not (hint is float and type(value) is int):
        raise ValueError(f"{name}: expected {hint.__name__}, got {value!r}")
    return value


def _check_array(spec: Array, value: Any, name: str, sizes: dict[str, int]) -> None:
    if not isinstance(value, np.ndarray) or value.dtype.name != spec.dtype or value.ndim != len(spec.axes):
        got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise ValueError(f"{name}: expected {spec.dtype} ({', '.join(spec.axes)}), got {got}")
    for axis, size in zip(spec.axes, value.shape, strict=True):
        if sizes.setdefault(axis, size) != size:
            raise ValueError(f"{name}: {axis} is {size}, but {sizes[axis]} before")
