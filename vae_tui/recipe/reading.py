"""Recipes: TOML in, a validated `Recipe` out, with every problem reported at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import tomli_w
from pydantic import ValidationError

from vae_tui.errors import RecipeError
from vae_tui.recipe.changes import STEERABLE, Change, read_changes
from vae_tui.recipe.cross_table import cross_table_errors
from vae_tui.recipe.own_file import read_own_file
from vae_tui.recipe.sizes import size_errors
from vae_tui.recipe.tables import OWN, OWN_CLASS, OWN_KEYS, TABLES, Recipe, Table, is_own
from vae_tui.wording import did_you_mean

_LONGEST = 1 << 22
_SWEEPS = "sweeps/"


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, the name runs of it get, and sentences on what was dropped while reading it.

    `has_own_file`: the code of its networks is the user's, in a file of its own, and not what a run brought along.
    """

    recipe: Recipe
    name: str
    notes: tuple[str, ...] = ()
    has_own_file: bool = False


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read the recipe at a path, or the shipped one of that name, with `table.key=value` overrides on top.

    Raises RecipeError with every problem found.
    """
    path = find_recipe(name_or_path)
    try:
        if path.stat().st_size > _LONGEST:
            raise RecipeError(str(path), [f"is longer than {_LONGEST:,} bytes: no recipe"])
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RecipeError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise RecipeError(str(path), [f"is not UTF-8 text: {error}"]) from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(str(path), [f"is not TOML: {error}"]) from error
    recipe, notes = parse(tables, overrides, source=str(path), folder=path.parent)
    written = {table.get("code") for table in tables.values() if isinstance(table, dict)}
    has_own_file = any(code not in written for _, code in recipe.own.values())
    return LoadedRecipe(recipe, path.stem, notes, has_own_file)


def parse(
    tables: Mapping[str, Any], overrides: Sequence[str] = (), *, source: str = "recipe", folder: Path | None = None
) -> tuple[Recipe, tuple[str, ...]]:
    """Validate `tables` with `table.key=value` overrides on top; the recipe, and notes on what was dropped.

    The file of an own network is read from `folder`, or for an override from the working directory.

    A key that goes only with another network (data set, optimizer, ...) is a problem, unless an override changed the
    network: then it is dropped with a note. Raises RecipeError with every problem found.
    """
    problems: list[str] = []
    notes: list[str] = []
    given = {name: dict(table) if isinstance(table, Mapping) else table for name, table in tables.items()}
    changes = read_changes(given.pop("changes", ()), problems)
    overridden = _apply(overrides, given, problems)

    for key in OWN_KEYS:
        _read_code(given, key, overridden, folder, problems)

    sections: dict[str, Table] = {}
    for name, table in given.items():
        if name not in TABLES:
            problems.append(f"[{name}]: no such table{did_you_mean(name, TABLES, '[{}]')}")
        elif not isinstance(table, dict):
            problems.append(f"{name}: expected a table, [{name}], got {table!r}")
    for name, kind in TABLES.items():
        table = given.get(name, {})
        if isinstance(table, dict):
            table = _drop_inapplicable(name, kind, table, overridden, problems, notes)
            section = _validate(name, kind, table, problems)
            if section is not None:
                sections[name] = section
    if problems:
        raise RecipeError(_name_overrides(source, overridden, problems), problems)
    if sections["model"].is_quantised and "name" not in given.get("prior", {}):  # type: ignore[attr-defined]
        sections["prior"] = TABLES["prior"](name="codes")  # type: ignore[call-arg]
    if sections["objective"].name == "m2" and "label_dropout" not in given.get("model", {}):  # type: ignore[attr-defined]
        # Its classifier stands in for classes that are missing.
        sections["model"] = sections["model"].model_copy(update={"label_dropout": 0.0})
    recipe = Recipe(**sections)
    if problems := [*cross_table_errors(recipe), *size_errors(recipe)]:
        raise RecipeError(source, problems)
    for number, change in enumerate(changes, 1):
        try:
            recipe = add_change(recipe, change)
        except RecipeError as error:
            problems += [f"[[changes]] {number}: {problem}" for problem in error.problems]
    if problems:
        raise RecipeError(source, problems)
    return recipe, tuple(notes)


def add_change(recipe: Recipe, change: Change) -> Recipe:
    """The recipe with one more change, in place of one of the same key at the same step.

    Raises RecipeError where the recipe with that value would be wrong, or where its key cannot be changed.
    """
    if change.key not in STEERABLE:
        known = ", ".join(STEERABLE)
        raise RecipeError("the change", [f"{change.key} cannot be changed while a run trains; what can: {known}"])
    present, (name, _, key) = recipe.at(change.step).resolved(), change.key.partition(".")
    present[name][key] = change.value
    changed, _ = parse(present, source="the change")
    value = changed.value(change.key)
    kept = [one for one in recipe.changes if (one.step, one.key) != (change.step, change.key)]
    kept.append(change.model_copy(update={"value": value}))
    return recipe.model_copy(update={"changes": tuple(sorted(kept, key=lambda one: one.step))})


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with vae-tui, by name, such as "beta10" and "mnist/fc20"."""
    return {name: path for name, path in _shipped_files().items() if not name.startswith(_SWEEPS)}


def shipped_sweeps() -> dict[str, Path]:
    """The files of sweeps that come with vae-tui, by name."""
    return {name.removeprefix(_SWEEPS): path for name, path in _shipped_files().items() if name.startswith(_SWEEPS)}


def _shipped_files() -> dict[str, Path]:
    package = Path(__file__).parent.parent
    inside = package / "recipes"
    folder = inside if inside.is_dir() else package.parent / "recipes"
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.toml"))}


def find_recipe(name_or_path: str) -> Path:
    """The file of a recipe given as a path, or by its shipped name, whole ("mnist/fc20") or last part ("fc20")."""
    try:
        path = Path(name_or_path).expanduser()
        there = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise RecipeError(name_or_path[:80], [f"cannot be looked for: {error}"]) from error
    if there:
        return path
    shipped = shipped_recipes()
    if name_or_path in shipped:
        return shipped[name_or_path]
    by_stem = [found for found in shipped.values() if found.stem == name_or_path]
    if len(by_stem) == 1:
        return by_stem[0]
    if name_or_path and path.is_dir():
        raise RecipeError(name_or_path, ["is a folder; expected a .toml file or the name of a shipped recipe"])
    stems = {name.rpartition("/")[2]: name for name in shipped}
    close = difflib.get_close_matches(path.stem, stems, n=1)
    hint = f"; did you mean {stems[close[0]]}?" if close else ""
    raise RecipeError(name_or_path, [f"no such file or shipped recipe{hint} (shipped: {', '.join(shipped)})"])


def choices(annotation: Any) -> list[Any]:
    """The values of a Literal, alone or beside other types; none of anything else."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) if get_origin(part) is Literal for value in get_args(part)]


def _apply(overrides: Sequence[str], given: dict[str, Any], problems: list[str]) -> set[tuple[str, str]]:
    """Put `table.key=value` overrides into `given`; the (table, key) pairs that were set."""
    overridden = set()
    for override in overrides:
        name, equals, text = override.partition("=")
        table, dot, key = name.strip().partition(".")
        if not equals or not dot or not key:
            meant = [f"{of}.{name}={text}" for of, kind in TABLES.items() if name in kind.model_fields]
            hint = f"; did you mean {' or '.join(meant)}?" if equals and meant else ", such as train.epochs=5"
            problems.append(f"--set {override}: expected TABLE.KEY=VALUE{hint}")
            continue
        if isinstance(given.setdefault(table, {}), dict):
            given[table][key] = _toml_or_text(text.strip())
            overridden.add((table, key))
    return overridden


def _name_overrides(source: str, overridden: Iterable[tuple[str, str]], problems: Sequence[str]) -> str:
    """The source of a recipe, with the keys that were overridden wrongly: those are to be sought elsewhere."""
    wrong = [
        f"{table}.{key}"
        for table, key in sorted(overridden)
        if f"{table}.{key}=" not in source
        and any(re.match(rf"\[{re.escape(table)}\] {re.escape(key)}[:\[]", problem) for problem in problems)
    ]
    return f"{source} with another {' and '.join(wrong)}" if wrong else source


def _read_code(
    given: Mapping[str, Any], key: str, overridden: set[tuple[str, str]], folder: Path | None, problems: list[str]
) -> None:
    """Copy the file that a key names into its table, unless its code is there already."""
    name, _, naming = key.partition(".")
    table = given.get(name)
    value = table.get(naming) if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(value, str) or not is_own(value):
        return
    another = (name, naming) in overridden and (name, "code") not in overridden
    if "code" in table and not another:
        return
    try:
        table["code"] = read_own_file(value, None if another else folder)
    except RecipeError as error:
        problems += [f"[{name}] {naming}: {error.source} {problem}" for problem in error.problems]


def _toml_or_text(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if parsed.keys() == {"value"} else text


def _drop_inapplicable(
    name: str,
    kind: type[Table],
    table: dict[str, Any],
    overridden: Iterable[tuple[str, str]],
    problems: list[str],
    notes: list[str],
) -> dict[str, Any]:
    """Leave out the keys that go only with another value of a sibling key, as a problem or, after `--set`, a note."""
    kept = dict(table)
    applies = kind.keys({key: value for key, value in table.items() if isinstance(value, str)})
    for key in table:
        if applies.get(key, True):
            continue
        del kept[key]
        extra: Any = kind.model_fields[key].json_schema_extra
        selector, values = next(iter(extra["only"].items()))
        chosen = table.get(selector, kind.model_fields[selector].default)
        if chosen not in choices(kind.model_fields[selector].annotation) and not is_own(chosen):
            continue
        goes_with = " or ".join(f'"{value}"' for value in values)
        if (name, selector) in overridden and (name, key) not in overridden:
            notes.append(f'[{name}] {key} dropped: it goes with {selector} = {goes_with}, and {selector} is "{chosen}"')
        else:
            problems.append(f'[{name}] {key}: goes only with {selector} = {goes_with}, and {selector} is "{chosen}"')
    return kept


def _validate(name: str, kind: type[Table], table: dict[str, Any], problems: list[str]) -> Table | None:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        details = error.errors(include_url=False)
    whole = [detail for detail in details if not detail["loc"]]
    if not whole:
        # Checks across keys only run once every key is right by itself, so run them without the wrong ones.
        wrong = {detail["loc"][0] for detail in details}
        try:
            kind.model_validate({key: value for key, value in table.items() if key not in wrong})
        except ValidationError as error:
            whole = [detail for detail in error.errors(include_url=False) if not detail["loc"]]
            whole = [detail for detail in whole if _complaint(detail).partition(":")[0] not in wrong]
    by_key: dict[str, list[Any]] = {}
    for detail in details:
        if detail["loc"]:
            by_key.setdefault(str(detail["loc"][0]), []).append(detail)
    problems += [_describe(name, kind, key, of_key) for key, of_key in by_key.items()]
    problems += [f"[{name}] {_complaint(detail)}" for detail in whole]
    return None


def _complaint(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")


def _describe(name: str, kind: type[Table], key: str, details: Sequence[Any]) -> str:
    """Pydantic's errors about one key as one line: what was expected, what was found, what may have been meant."""
    if details[0]["type"] == "extra_forbidden":
        return f"[{name}] {key}: no such key{did_you_mean(key, kind.model_fields, '{}')}"
    expected = list(dict.fromkeys(_expected(str(detail["msg"])) for detail in details))
    place = details[0]
    inside = "".join(f"[{index}]" for index in place["loc"][1:] if isinstance(index, int))
    found = place["input"]
    hint = did_you_mean(found, choices(kind.model_fields[key].annotation), '"{}"') if isinstance(found, str) else ""
    return f"[{name}] {key}{inside}: expected {' or '.join(expected)}, got {_as_toml(found)}{hint}"


def _expected(message: str) -> str:
    if message.startswith("String should match pattern"):
        return f'"{OWN if "," in message else OWN_CLASS}"'
    for pydantics, ours in (
        ("Input should be ", ""),
        ("a valid string, unable to parse raw data as a unicode string", "UTF-8 text"),
        ("greater than or equal to", "at least"),
        ("less than or equal to", "at most"),
        ("greater than", "more than"),
        ("a valid integer", "an integer"),
        ("a valid ", "a "),
        ("a tuple", "a list"),
        ("'", '"'),
    ):
        message = message.replace(pydantics, ours)
    return message


def _as_toml(value: Any) -> str:
    if isinstance(value, tuple):
        value = list(value)
    try:
        return " ".join(tomli_w.dumps({"k": value})[4:].split()).replace("[ ", "[").replace(", ]", "]")
    except TypeError:
        return repr(value)
