"""Runs by what a user types: `fc20 beta>=4 state:failed data:mnist tag:paper -seed:0 optimizer.lr<1e-3`.

A word is looked for in names, images and tags. `key:value` (or `=`) asks for a value, `*` and `?` in it stand for any
letters; numbers are compared by < <= > >= and !=. A key is a column's or one of the recipe. A - before it asks for the
opposite; all that is typed has to hold.
"""

from __future__ import annotations

import fnmatch
import math
import operator
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vae_tui.errors import VaeTuiError
from vae_tui.runs.columns import UnknownKey, Value, find_key, is_column, recipe_keys, value_of
from vae_tui.runs.summary import Summary

_TERM = re.compile(r"(?P<not>-?)(?P<key>[A-Za-z_][\w.]*)(?P<operator><=|>=|!=|==|[:=<>])(?P<value>.*)", re.DOTALL)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNITS = {
    "age": {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800},
    "size": {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40},
}


class FilterError(VaeTuiError):
    """A filter that cannot be understood."""


@dataclass(frozen=True)
class Term:
    """One thing that is asked of a run; `key` is empty for a word that is looked for."""

    key: str
    operator: str
    value: str
    negated: bool

    def holds(self, run: Summary) -> bool:
        """Whether it is so of a run."""
        return self._is_so(run) != self.negated

    def _is_so(self, run: Summary) -> bool:
        if not self.key:
            texts = (run.name, str(run.recipe.get("data", {}).get("name", "")), *run.about.tags)
            return any(self.value.lower() in text.lower() for text in texts)
        value = value_of(run, self.key)
        if self.operator in _COMPARISONS:
            return isinstance(value, int | float) and _COMPARISONS[self.operator](value, _number(self.key, self.value))
        return _equals(self.key, value, self.value) != (self.operator == "!=")


@dataclass(frozen=True)
class Filter:
    """What is asked of runs, all of it."""

    terms: tuple[Term, ...] = ()

    def __call__(self, runs: Iterable[Summary]) -> list[Summary]:
        """The runs of which all holds, in their order."""
        return [run for run in runs if all(term.holds(run) for term in self.terms)]


def parse_filter(text: str, runs: Iterable[Summary]) -> Filter:
    """Understand a filter; the recipes of `runs` say which keys there are. Raises FilterError, with what is wrong."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise FilterError("a quotation mark has no other that ends it") from None
    known: set[str] | None = None
    terms = []
    for word in words:
        match = _TERM.fullmatch(word)
        if match is None:
            negated = word.startswith("-") and len(word) > 1
            terms.append(Term("", "", word[negated:], negated))
            continue
        if known is None and not is_column(match["key"]):
            known = {key for run in runs for key in recipe_keys(run)}
        try:
            key = find_key(match["key"], known or ())
        except UnknownKey as error:
            raise FilterError(str(error)) from None
        asked = match["operator"].replace("==", "=")
        if asked in _COMPARISONS:
            _number(key, match["value"])
        terms.append(Term(key, asked, match["value"], bool(match["not"])))
    return Filter(tuple(terms))


def _equals(key: str, value: Value, asked: str) -> bool:
    if isinstance(value, int | float):
        if asked == "*":
            return True
        try:
            return math.isclose(value, _number(key, asked), rel_tol=1e-9, abs_tol=1e-12)
        except FilterError:
            return False
    if not asked or value is None:
        return not asked and not value
    texts = value if isinstance(value, tuple) else (value,)
    return any(fnmatch.fnmatchcase(text.lower(), asked.lower()) for text in texts)


def _number(key: str, text: str) -> float:
    units = _UNITS.get(key, {})
    unit = units.get(text[-1:], units.get(text[-1:].swapcase())) if units else None
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        raise FilterError(f"{key} is compared with a number, and {text!r} is none") from None
