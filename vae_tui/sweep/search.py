"""What is searched for in a sweep: so many trials, of values out of ranges and choices, for the best figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vae_tui.wording import did_you_mean

Metric = Literal["nelbo", "loss", "distortion", "rate"]
Sampler = Literal["tpe", "random", "cmaes"]
Pruner = Literal["median", "hyperband", "none"]
_CHOICES = {
    "metric": get_args(Metric),
    "direction": ("minimize", "maximize"),
    "sampler": get_args(Sampler),
    "pruner": get_args(Pruner),
}


@dataclass(frozen=True)
class Search:
    """`trials` runs, whose values are drawn by `sampler` out of `space`: by key {"low", "high", "log"} or {"choices"}.

    `metric` is the figure on validation images, at a run's best checkpoint; by `pruner` runs are stopped that lag behind.
    """

    trials: int
    space: dict[str, dict[str, Any]]
    metric: str = "nelbo"
    direction: str = "minimize"
    sampler: str = "tpe"
    pruner: str = "median"
    seed: int = 0

    def corners(self) -> list[dict[str, Any]]:
        """Values at the ends of every range, and every choice, for a look at whether runs of them are right."""
        ends = {key: _ends(dimension) for key, dimension in self.space.items()}
        first = {key: values[0] for key, values in ends.items()}
        return [first, *({**first, key: value} for key, values in ends.items() for value in values[1:])]


def read_search(table: Mapping[str, Any], space: Mapping[str, Any], problems: list[str]) -> Search | None:
    """The search in a sweep's [search] and [space]; what is wrong is added to `problems`, and gives None."""
    before = len(problems)
    known = ("trials", *_CHOICES, "seed")
    problems += [f"[search] {key}: no such key{did_you_mean(key, known, '{}')}" for key in table if key not in known]
    for key, choices in _CHOICES.items():
        if key in table and table[key] not in choices:
            problems.append(f"[search] {key}: expected one of {', '.join(choices)}, got {table[key]!r}")
    for key, least in (("trials", 1), ("seed", 0)):
        value = table.get(key, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            problems.append(f"[search] {key}: expected an integer, at least {least}, got {value!r}")
    if "trials" not in table:
        problems.append("[search] trials: how many runs are to be trained, such as trials = 20")
    if not space:
        problems.append(
            "[space]: expected what is searched, such as optimizer.lr = { low = 1e-4, high = 1e-2, log = true }"
        )
    dimensions = {key: _read_dimension(key, given, problems) for key, given in space.items()}
    return Search(**table, space=dimensions) if len(problems) == before else None


def _read_dimension(key: str, given: object, problems: list[str]) -> dict[str, Any]:
    if isinstance(given, list) and len(given) > 1:
        return {"choices": given}
    if not isinstance(given, Mapping) or not {"low", "high"} <= given.keys() <= {"low", "high", "log"}:
        problems.append(
            f"[space] {key}: expected {{ low = ..., high = ..., log = true }} or a list of choices, got {given!r}"
        )
        return {}
    low, high, log = given["low"], given["high"], given.get("log", False)
    if any(not isinstance(one, int | float) or isinstance(one, bool) for one in (low, high)) or not isinstance(
        log, bool
    ):
        problems.append(f"[space] {key}: expected numbers for low and high, and true or false for log")
    elif not low < high or (log and low <= 0):
        problems.append(f"[space] {key}: expected low < high{', both above 0 where log = true' if log else ''}")
    return {"low": low, "high": high, "log": log}


def _ends(dimension: Mapping[str, Any]) -> list[Any]:
    return list(dimension["choices"]) if "choices" in dimension else [dimension["low"], dimension["high"]]
