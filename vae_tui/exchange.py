"""Messages between a screen and its decoder process: a line of JSON, then the bytes of the arrays it names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = ("float32", "uint8", "int64")


@dataclass(frozen=True)
class Message:
    """What is asked or answered: its kind, plain facts, and arrays by name."""

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def write_message(stream: IO[bytes], message: Message) -> None:
    """Write a message and flush; arrays are float32, uint8 or int64."""
    arrays = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    for name, array in arrays.items():
        assert array.dtype.name in _DTYPES, f"{name} is {array.dtype}"
    layout = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    head = json.dumps({"kind": message.kind, "facts": message.facts, "arrays": layout})
    stream.write(b"".join([head.encode(), b"\n", *(array.tobytes() for array in arrays.values())]))
    stream.flush()


def read_message(stream: IO[bytes]) -> Message | None:
    """The next message; None where the other side has gone, be it in the middle of one."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    arrays = {}
    for name, dtype, shape in head["arrays"]:
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        content = stream.read(size)
        if len(content) < size:
            return None
        arrays[name] = np.frombuffer(bytearray(content), dtype).reshape(shape)
    return Message(head["kind"], head["facts"], arrays)
