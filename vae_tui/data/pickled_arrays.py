"""Arrays of bytes and lists in a pickle, read without running anything that a pickle may ask for.

A pickle is a program: it names functions, and the reader calls them. Here it can name those alone that NumPy's arrays
are put together with, and what stands in for them only takes bytes and shapes.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {"u1", "i1", "b1", "u2", "i2", "u4", "i4", "u8", "i8"}


class NotPlain(Exception):
    """A pickle that is damaged, or holds something else than lists, names and arrays of whole numbers."""


def read_plain(content: bytes) -> Any:
    """What a pickle holds: dicts, lists, strings as bytes, numbers, and arrays of whole numbers; raises NotPlain."""
    try:
        for opcode, argument, _ in pickletools.genops(content):
            # A place in the reader's memory, which grows to hold it.
            if opcode.name in ("PUT", "LONG_BINPUT") and not 0 <= int(argument or 0) <= len(content):
                raise NotPlain("it is damaged")
        return _finished(_PlainUnpickler(io.BytesIO(content), encoding="bytes").load())
    except NotPlain:
        raise
    except Exception as error:
        raise NotPlain("it is damaged or was cut short") from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module.replace("numpy._core", "numpy.core"), name]
        except KeyError:
            raise NotPlain(f"it wants to call {module}.{name}, which is not done") from None


class _Type:
    """Stands for a dtype."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        self.code = code.decode("ascii") if isinstance(code, bytes) else code
        self.order = "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        self.order = order.decode("ascii") if isinstance(order, bytes) else order

    def numpy(self) -> np.dtype[Any]:
        """The dtype itself, of whole numbers."""
        if self.code not in _TYPES or self.order not in "<>|=":
            raise NotPlain(f"it holds an array of {self.code[:20]}; expected whole numbers")
        return np.dtype(self.order + self.code)


class _Array:
    """Stands for an array until it has its values."""

    values: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, content = state
        self.values = _array(content, kind, shape, "F" if is_fortran else "C")


def _array(content: object, kind: object, shape: tuple[int, ...], order: object) -> NDArray[Any]:
    if not isinstance(kind, _Type):
        raise NotPlain("it holds an array without a type")
    itemsize = kind.numpy().itemsize
    content = content.encode("latin-1") if isinstance(content, str) else content
    if not isinstance(content, bytes | bytearray) or math.prod(shape) * itemsize != len(content):
        raise NotPlain("it holds an array that is cut short")
    return np.frombuffer(content, kind.numpy()).reshape(shape, order="F" if order == "F" else "C")


def _begin(*_: object) -> _Array:
    return _Array()


def _encode(text: str, encoding: str | bytes = "latin1") -> bytes:
    """How bytes stand in pickles that older versions of Python can read."""
    return text.encode("latin-1")


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _begin,
    ("numpy.core.numeric", "_frombuffer"): _array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
}


def _finished(held: Any) -> Any:
    """The same with its arrays in place of what stands for them, as far as dicts go."""
    if isinstance(held, _Array):
        return held.values
    if isinstance(held, dict):
        return {key: _finished(value) for key, value in held.items()}
    return held
