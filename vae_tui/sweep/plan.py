"""What a sweep is to train: a base recipe, what is set in all of its runs, and the lists of values they differ in."""

from __future__ import annotations

import contextlib
import itertools
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vae_tui.errors import RecipeError
from vae_tui.recipe import Recipe, find_recipe, load_recipe, parse, shipped_sweeps
from vae_tui.recipe.own_file import read_own_file
from vae_tui.recipe.tables import OWN_KEYS, TABLES, is_own
from vae_tui.runs.identity import as_toml
from vae_tui.sweep.search import Search, read_search
from vae_tui.wording import did_you_mean

_LISTS = ("grid", "zip", "search")
_TABLES = ("recipe", "set", "space", *_LISTS)
_MOST_RUNS = 10_000
_LONGEST_NAME = 120

Values = dict[str, Any]
"""Of each key that the runs differ in, such as "objective.beta", its value in one run."""


@dataclass(frozen=True)
class Plan:
    """A sweep called `name`: each of `runs`, by the values it differs in, of `base` with `fixed` set in all of them.

    `base_name` is what the recipe is called. Of a `search` the runs are not known beforehand. `has_own_file`: the code of its
    networks is the user's, in a file of its own.
    """

    name: str
    base: Recipe
    base_name: str
    fixed: Values
    runs: tuple[Values, ...]
    search: Search | None = None
    has_own_file: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that differ, in the order they are given."""
        return tuple(self.runs[0] if self.search is None else self.search.space)

    @property
    def run_count(self) -> int:
        """How many runs there are, or will be."""
        return len(self.runs) if self.search is None else self.search.trials

    def overrides(self, values: Values) -> tuple[str, ...]:
        """What a run sets on top of the base, as for `--set`."""
        return tuple(f"{key}={as_toml(value)}" for key, value in {**self.fixed, **values}.items())


def find_sweep_file(name_or_path: str) -> Path | None:
    """The file of a sweep at a path, or the shipped one of that name; None where there is none, and for a recipe."""
    with contextlib.suppress(OSError, ValueError, RuntimeError, RecursionError):
        path = Path(name_or_path).expanduser()
        if path.is_file():
            return path if tomllib.loads(path.read_text(encoding="utf-8-sig")).keys() & {"recipe", *_LISTS} else None
    return shipped_sweeps().get(name_or_path.removeprefix("sweeps/"))


def read_plan(path: Path, *, name: str | None = None, fixed: Sequence[str] = ()) -> Plan:
    """The plan in a sweep's file; `fixed` are settings for all of its runs on top of the file's.

    Raises RecipeError with everything that is wrong.
    """
    source = str(path)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(source, [f"cannot be read: {error}"]) from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(source, [f"is not TOML: {error}"]) from error
    if not tables.keys() & {*_LISTS}:
        raise RecipeError(source, ["holds no [grid], [zip] or [search]: what its runs differ in"])
    problems = [
        f"[{key}]: no such table{did_you_mean(key, _TABLES, '{}')}; what all runs have goes under [set]"
        for key in tables
        if key not in _TABLES
    ]
    recipe = tables.get("recipe")
    if not isinstance(recipe, str):
        problems.append('recipe: expected the file of a recipe, or the name of a shipped one, such as recipe = "fc20"')
        raise RecipeError(source, problems)
    beside = path.parent / recipe
    base = str(beside) if beside.is_file() else recipe
    given = _flat(tables.get("set", {}), "set", problems) | dict(_read_setting(text, problems) for text in fixed)
    axes = [
        *_axes(_flat(tables.get("grid", {}), "grid", problems), "grid", problems),
        *_zipped(_flat(tables.get("zip", {}), "zip", problems), problems),
    ]
    if "search" in tables:
        space = _flat(tables.get("space", {}), "space", problems)
        return _make_search(name or path.stem, base, given, tables["search"], space, axes, problems, source)
    return _make(name or path.stem, base, given, axes, problems, source)


def plan_of_grid(
    recipe: str, *, grid: Sequence[str], zipped: Sequence[str] = (), fixed: Sequence[str] = (), name: str | None = None
) -> Plan:
    """The plan of a recipe and lists of values as a user types them, "objective.beta=0,0.5,1".

    Raises RecipeError with everything that is wrong.
    """
    problems: list[str] = []
    lists = _once((_read_list(text, problems) for text in grid), "--grid", problems)
    together = _once((_read_list(text, problems) for text in zipped), "--zip", problems)
    axes = [*_axes(lists, "--grid", problems), *_zipped(together, problems)]
    given = dict(_read_setting(text, problems) for text in fixed)
    stem = find_recipe(recipe).stem
    keys = [key.rpartition(".")[2] for key in (*lists, *together)]
    return _make(name or "-".join([stem, *keys]), recipe, given, axes, problems, recipe)


def run_names(plan: Plan) -> list[str]:
    """What the plan's runs are called: by the sweep and by what they differ in."""
    names: list[str] = []
    for values in plan.runs:
        names.append(run_name(plan.name, values, names))
    return names


def run_name(sweep: str, values: Values, taken: Sequence[str]) -> str:
    """What a run of a sweep is called that has these values, when so many others have a name."""
    short = [key.rpartition(".")[2] for key in values]
    shown = [name if short.count(name) == 1 else key for name, key in zip(short, values, strict=True)]
    parts = [f"{key}={_in_a_name(value)}" for key, value in zip(shown, values.values(), strict=True)]
    name = f"{sweep}-{','.join(parts)}"
    if len(name.encode()) > _LONGEST_NAME or name in taken:
        name = f"{name.encode()[: _LONGEST_NAME - 8].decode(errors='ignore')}-{len(taken) + 1}"
    return name


def _make(
    name: str, base: str, fixed: Values, axes: Sequence[Sequence[Values]], problems: list[str], source: str
) -> Plan:
    if not axes and not problems:
        problems.append("no list of values is given: nothing to sweep")
    twice = [key for key, count in _counts(key for axis in axes for key in axis[0]).items() if count > 1]
    problems += [f"{key}: given in two lists" for key in twice]
    problems += [f"{key}: set for all runs, and in a list too" for axis in axes for key in axis[0] if key in fixed]
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > _MOST_RUNS:
        problems.append(f"{count:,} runs: at most {_MOST_RUNS:,} are a sweep")
    if problems:
        raise RecipeError(source, problems)
    loaded = load_recipe(base)
    runs = tuple({key: value for part in parts for key, value in part.items()} for parts in itertools.product(*axes))
    return _absolute(Plan(name, loaded.recipe, loaded.name, fixed, runs, has_own_file=loaded.has_own_file))


def _make_search(
    name: str,
    base: str,
    fixed: Values,
    table: object,
    space: Values,
    axes: Sequence[object],
    problems: list[str],
    source: str,
) -> Plan:
    if axes:
        problems.append("[grid] and [zip] do not go with [search]: give their values as choices under [space]")
    problems += [f"{key}: set for all runs, and searched too" for key in space if key in fixed]
    if not isinstance(table, Mapping):
        problems.append(f"search: expected a table, [search], got {table!r}")
    search = read_search(table, space, problems) if isinstance(table, Mapping) else None
    if problems or search is None:
        raise RecipeError(source, problems)
    loaded = load_recipe(base)
    return _absolute(Plan(name, loaded.recipe, loaded.name, fixed, (), search, loaded.has_own_file))


def _absolute(plan: Plan) -> Plan:
    """The plan with paths as they are found from everywhere: a worker may be started in another folder."""
    fixed = dict(plan.fixed)
    if isinstance(root := plan.base.data.root, str):
        fixed.setdefault("data.root", root)
    if isinstance(start := plan.base.train.start_from, str):
        fixed.setdefault("train.start_from", start)
    fixed = {key: _whole_path(key, value) for key, value in fixed.items() if key not in plan.keys}
    runs = tuple({key: _whole_path(key, value) for key, value in values.items()} for values in plan.runs)
    has_own_file = plan.has_own_file
    for key in OWN_KEYS:
        choices = plan.search.space.get(key, {}).get("choices", ()) if plan.search is not None else ()
        if any(is_own(value) for value in (*(values.get(key) for values in plan.runs), *choices)):
            raise RecipeError(plan.name, [f"{key}: one's own goes into the recipe, or under [set]: one a sweep"])
        named = fixed.get(key)
        if isinstance(named, str) and is_own(named):
            # A file that is edited later changes no run, nor makes runs that do not compare.
            fixed[f"{key.partition('.')[0]}.code"], has_own_file = read_own_file(named, None), True
    return replace(plan, fixed=fixed, runs=runs, has_own_file=has_own_file)


def _whole_path(key: str, value: Any) -> Any:
    if key not in ("data.root", "train.start_from") or not isinstance(value, str):
        return value
    path = Path(value).expanduser()
    # Weights to start from may be those of a run, by its name.
    return str(path.absolute()) if key == "data.root" or path.exists() else value


def read_settings(texts: Sequence[str]) -> Values:
    """Keys and values as a user types them, "objective.beta=4"; raises RecipeError for what is none."""
    problems: list[str] = []
    found = dict(_read_setting(text, problems) for text in texts)
    if problems:
        raise RecipeError(" ".join(texts), problems)
    return found


def check_plan(plan: Plan, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Validate every run of a plan; raises RecipeError with what is wrong with the first that is."""
    tables = plan.base.document()
    runs = plan.runs if plan.search is None else plan.search.corners()
    for index, values in enumerate(runs):
        progress(index, len(runs))
        overrides = plan.overrides(values)
        _, notes = parse(tables, overrides, source=" ".join(overrides))
        dropped = [note for note in notes if any(note.startswith(f"[{key.replace('.', '] ', 1)} ") for key in values)]
        if dropped:
            raise RecipeError(plan.name, dropped)


def _flat(given: object, table: str, problems: list[str]) -> Values:
    """The keys of a table by their whole names, be they written "objective.beta" or objective.beta."""
    if not isinstance(given, Mapping):
        problems.append(f"{table}: expected a table, [{table}], got {given!r}")
        return {}
    found = {}
    for key, value in given.items():
        is_table = isinstance(value, Mapping) and not {"low", "high"} & value.keys()
        for name, inner in ((f"{key}.{inside}", one) for inside, one in value.items()) if is_table else ((key, value),):
            if (whole := _whole_key(name, problems)) is not None:
                found[whole] = inner
    return found


def _whole_key(name: str, problems: list[str]) -> str | None:
    """The key of a recipe by its name, whose table may be left out where one alone has it."""
    table, dot, key = name.rpartition(".")
    if dot and table in TABLES and key in TABLES[table].model_fields:
        return name
    fitting = [f"{of}.{name}" for of, kind in TABLES.items() if name in kind.model_fields]
    if len(fitting) == 1:
        return fitting[0]
    known = [f"{of}.{key}" for of, kind in TABLES.items() for key in kind.model_fields]
    hint = f"; did you mean {' or '.join(fitting)}?" if fitting else did_you_mean(name, known, "{}")
    problems.append(f"{name}: no such key of a recipe{hint}")
    return None


def _axes(lists: Values, source: str, problems: list[str]) -> Iterator[list[Values]]:
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            problems.append(f"{source} {key}: expected a list of values, got {values!r}")
        elif len({_as_number_or_toml(value) for value in values}) < len(values):
            problems.append(f"{source} {key}: a value stands in it twice")
        else:
            yield [{key: value} for value in values]


def _as_number_or_toml(value: Any) -> float | str:
    """What tells values apart: 1 and 1.0 are one."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else as_toml(value)


def _zipped(lists: Values, problems: list[str]) -> Iterator[list[Values]]:
    axes = list(_axes(lists, "zip", problems))
    if len({len(axis) for axis in axes}) > 1:
        lengths = ", ".join(f"{key} has {len(values)}" for key, values in lists.items())
        problems.append(f"zip: lists that go together are of one length, and {lengths}")
    elif axes:
        yield [{key: value for part in parts for key, value in part.items()} for parts in zip(*axes, strict=True)]


def _read_list(text: str, problems: list[str]) -> tuple[str, Any]:
    name, equals, written = text.partition("=")
    whole = _whole_key(name.strip(), problems) if equals else None
    if not equals or not written.strip():
        problems.append(f"--grid {text}: expected KEY=VALUE,VALUE..., such as objective.beta=0,1,4")
    try:
        values = tomllib.loads(f"v = [{written}]")["v"]
    except (ValueError, RecursionError):
        values = [part.strip() for part in written.split(",")]
    return whole or name, values


def _read_setting(text: str, problems: list[str]) -> tuple[str, Any]:
    name, equals, written = text.partition("=")
    whole = _whole_key(name.strip(), problems) if equals else None
    if not equals:
        problems.append(f"{text}: expected TABLE.KEY=VALUE, such as train.epochs=5")
    try:
        value = tomllib.loads(f"v = {written}")["v"]
    except (ValueError, KeyError, RecursionError):
        value = written.strip()
    return whole or name, value


def _in_a_name(value: object) -> str:
    """A value as it can stand in the name of a folder that is typed in a shell."""
    if isinstance(value, list):
        return "-".join(_in_a_name(one) for one in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value).rstrip("/").rpartition("/")[2] if isinstance(value, str) else str(value).lower()
    return re.sub(r"[^\w.+-]+", "_", text, flags=re.ASCII)


def _once(lists: Iterator[tuple[str, Any]], option: str, problems: list[str]) -> Values:
    """The lists by their keys; a key that has two is a problem."""
    found: dict[str, Any] = {}
    for key, values in lists:
        if key in found:
            problems.append(f"{option} {key}: given twice; write all of its values into one list")
        found[key] = values
    return found


def _counts(keys: Iterator[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for key in keys:
        counted[key] = counted.get(key, 0) + 1
    return counted
