"""What files say, checked against the types it should have before anything is done with it."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union

Check = Callable[[Any], bool]

_LARGEST = 2**63
"""Counts beyond this are no counts: no array takes them."""


def is_count(value: Any) -> bool:
    """Whether a value is a whole number from 0 to 2^63 - 1: every number of ours that is whole counts something."""
    return type(value) is int and 0 <= value < _LARGEST


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    kind = type(value)
    return value - value == 0.0 if kind is float else kind is int and -_LARGEST <= value < _LARGEST  # inf - inf is NaN


def check_for(annotation: Any) -> Check:
    """The check for a resolved annotation of str, int (a count), float, bool, None, Any, Literal and containers of these.

    A tuple is checked as the list that JSON has for it.
    """
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return lambda _: True
    if annotation is int:
        return is_count
    if annotation is float:
        return is_number
    if annotation is None or annotation is types.NoneType:
        return lambda value: value is None
    if origin is Literal:
        return lambda value: isinstance(value, str) and value in inner
    if origin in (Union, types.UnionType):
        return _any_of([check_for(one) for one in inner])
    if origin is dict:
        item = check_for(inner[1])  # every key is a string in JSON
        return lambda value: type(value) is dict and all(map(item, value.values()))
    if origin is list or (origin is tuple and inner[-1] is Ellipsis):
        item = check_for(inner[0])
        return lambda value: isinstance(value, list | tuple) and all(map(item, value))
    if origin is tuple:
        items = [check_for(one) for one in inner]
        return lambda value: (
            isinstance(value, list | tuple)
            and len(value) == len(items)
            and all(check(one) for check, one in zip(items, value, strict=True))
        )
    return lambda value: type(value) is annotation


def checks_of(kind: type) -> dict[str, Check]:
    """The check of each annotated field of a class, by name; class variables are none."""
    hints = typing.get_type_hints(kind)
    return {name: check_for(hint) for name, hint in hints.items() if typing.get_origin(hint) is not typing.ClassVar}


def find_wrong(values: Mapping[str, Any], checks: Mapping[str, Check]) -> str | None:
    """A sentence's part about the first value that is not what it should be, such as "`step` is 'x'"; None where all are.

    Values without a check pass, as those of a later version.
    """
    for name, value in values.items():
        if (check := checks.get(name)) is not None and not check(value):
            shown = repr(value)
            return f"`{name}` is {shown if len(shown) <= 60 else shown[:57] + '...'}"
    return None


def _any_of(checks: list[Check]) -> Check:
    if len(checks) == 2 and checks[1](None):
        one = checks[0]
        return lambda value: value is None or one(value)
    return lambda value: any(check(value) for check in checks)
