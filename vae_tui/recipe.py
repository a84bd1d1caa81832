"""Recipes: TOML in, a validated `Recipe` out, with every problem reported at once.

What a key means stands once, in its field's description here; the reference in the README is printed from it by
`python -m vae_tui.recipe`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from vae_tui.errors import RecipeError

ImageSet = Literal["digits", "mnist", "fashion-mnist", "binarized-mnist", "npz", "folder"]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]

_Sizes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=65536)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Milestones = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
_Side = Annotated[int, Field(ge=4, le=4096)]
_ImageSize = Annotated[_Side | tuple[_Side, _Side], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


def _key(default: Any, meaning: str, *, only: Mapping[str, Sequence[str]] | None = None, **constraints: Any) -> Any:
    """A key of a table; `only` names the values of a sibling key it goes with, such as {"network": ["conv"]}."""
    return Field(
        default,
        description=meaning,
        json_schema_extra={"only": {selector: list(values) for selector, values in only.items()}} if only else None,
        **constraints,
    )


class Table(BaseModel):
    """One table of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def keys(cls, given: Mapping[str, Any]) -> dict[str, bool]:
        """Every key of the table, and whether it applies beside the values `given`."""
        applies = {}
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            only: Any = extra.get("only", {})
            applies[name] = all(
                str(given.get(selector, cls.model_fields[selector].default)) in values
                for selector, values in only.items()
            )
        return applies

    def resolved(self) -> dict[str, Any]:
        """The keys that apply, with their values, as TOML writes them."""
        values = self.model_dump()
        applies = self.keys(values)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if applies[name] and value is not None
        }


class DataTable(Table):
    """Which images are trained on."""

    name: ImageSet = _key("digits", "the image set; `digits` is embedded, the others are read from disk")
    root: str | None = _key(
        None,
        "the .npz or .npy file, or the folder of JPEG and PNG files; relative to the working directory",
        only={"name": ["npz", "folder"]},
    )
    image_size: _ImageSize | None = _key(
        None,
        "side in pixels, or [height, width]; digits are enlarged to it (28 if not given), "
        "photos resized and centre-cropped (64 if not given)",
        only={"name": ["digits", "folder"]},
    )
    channels: Literal[1, 3] = _key(3, "1 for grey, 3 for RGB", only={"name": ["folder"]})
    binarize: Literal["none", "static", "dynamic"] = _key(
        "none",
        "draw each pixel as 0 or 1 with its grey value as probability: `static` once, `dynamic` anew for every batch "
        "(validation and test are drawn once either way)",
    )
    validation: float = _key(
        0.1,
        "share of the training images held out by the seed to choose the best checkpoint on; a set with a validation "
        "split of its own uses that; 0 trains on everything, validation split included, and best is the last",
        ge=0,
        lt=1,
    )
    test: float = _key(
        0.1,
        "share cut off by the seed as test split, where the set has none of its own",
        only={"name": ["digits", "npz", "folder"]},
        gt=0,
        lt=1,
    )
    memory_gib: Annotated[float, Field(gt=0)] | Literal["auto"] = _key(
        "auto",
        "memory the images may take; of a folder or an array that takes more, images are read from disk as they are "
        "wanted; auto: half of what is available",
        only={"name": ["binarized-mnist", "npz", "folder"]},
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_image_size(cls, given: Any) -> Any:
        size = {"digits": 28, "folder": 64}.get(str(given.get("name", "digits")))
        return {"image_size": size, **given} if size else given

    @model_validator(mode="after")
    def _need_root(self) -> DataTable:
        if self.name in ("npz", "folder") and not self.root:
            what = "a .npz or .npy file" if self.name == "npz" else "a folder of images"
            raise ValueError(f'root: needed with name = "{self.name}": {what}')
        return self


class ModelTable(Table):
    """The networks between images and latents."""

    network: Literal["mlp", "conv"] = _key("mlp", "fully connected, or convolutional; the decoder mirrors the encoder")
    hidden: _Sizes = _key((400,), "widths of the hidden layers, encoder order", only={"network": ["mlp"]})
    channels: _Sizes = _key(
        (32, 64), "channels after each convolution, encoder order", only={"network": ["conv"]}, min_length=1
    )
    kernel_size: int = _key(3, "side of every convolution's kernel", only={"network": ["conv"]}, ge=1, le=15)
    stride: int = _key(2, "stride of every convolution", only={"network": ["conv"]}, ge=1, le=4)
    padding: int = _key(1, "zero padding of every convolution", only={"network": ["conv"]}, ge=0, le=7)
    pool: int = _key(
        1,
        "max-pooling after the last convolution, undone by nearest-neighbour enlarging; 1: none",
        only={"network": ["conv"]},
        ge=1,
        le=8,
    )
    norm: Literal["none", "batch", "group"] = _key(
        "none", "normalisation after each convolution but the decoder's last", only={"network": ["conv"]}
    )
    activation: Activation = _key("relu", "between layers")
    latent_dim: int = _key(20, "latent dimensions", ge=1, le=4096)

    @model_validator(mode="after")
    def _padding_fits(self) -> ModelTable:
        if self.network == "conv" and self.padding >= self.kernel_size:
            raise ValueError(f"padding: expected less than kernel_size ({self.kernel_size}), got {self.padding}")
        return self


class LikelihoodTable(Table):
    """How probable an image is, given its latent."""

    name: Literal["bernoulli", "gaussian"] = _key("bernoulli", "of each pixel, in [0, 1]")
    sigma: float = _key(
        0.1,
        "standard deviation of every pixel; the notebooks' squared error is 0.7071067811865476",
        only={"name": ["gaussian"]},
        ge=1e-4,
        le=1e4,
    )


class ObjectiveTable(Table):
    """What is minimised: distortion + beta * rate."""

    beta: float = _key(1.0, "weight of the rate; 0 leaves only the distortion", ge=0)
    warmup_epochs: float = _key(0.0, "epochs over which beta rises linearly from 0", ge=0)
    distortion: bool = _key(True, "false leaves only beta * rate")

    @model_validator(mode="after")
    def _something_is_left(self) -> ObjectiveTable:
        if self.beta == 0 and not self.distortion:
            raise ValueError("beta: expected more than 0 with distortion = false, or there is nothing to minimise")
        return self


class OptimizerTable(Table):
    """How it is minimised."""

    name: Literal["adam", "adamw", "sgd"] = _key("adam", "the optimizer")
    lr: float = _key(1e-3, "learning rate", gt=0)
    momentum: float = _key(0.0, "momentum", only={"name": ["sgd"]}, ge=0, lt=1)
    weight_decay: float = _key(0.0, "weight decay (decoupled with adamw)", ge=0)
    schedule: Literal["constant", "step", "exponential", "cosine"] = _key(
        "constant",
        "of the learning rate: held, times gamma at each milestone, times gamma every epoch, or a half cosine",
    )
    milestones: _Milestones = _key(
        (), "epochs after which the learning rate is multiplied by gamma", only={"schedule": ["step"]}
    )
    gamma: float = _key(0.1, "factor of the schedule", only={"schedule": ["step", "exponential"]}, gt=0, le=1)
    clip_norm: float = _key(0.0, "gradients are scaled down to this norm; 0: never", ge=0)
    ema_decay: float = _key(
        0.0, "decay per step of averaged weights, which then validate, draw and are loaded; 0: none", ge=0, lt=1
    )

    @model_validator(mode="after")
    def _step_has_milestones(self) -> OptimizerTable:
        if self.schedule == "step" and not self.milestones:
            raise ValueError('milestones: needed with schedule = "step", such as [1000]')
        return self


class TrainTable(Table):
    """For how long, and on what terms."""

    epochs: int | None = _key(
        None, "passes over the training images (20 if neither this nor max_seconds is given)", ge=1
    )
    max_seconds: float | None = _key(None, "training stops after this time, whichever comes first", gt=0)
    batch_size: int = _key(100, "images a step; an epoch's last batch may be smaller", ge=1)
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = _key(
        "auto", "CPU threads; auto: what is fastest in a trial of some steps, then kept, on resuming too"
    )
    compile: bool | Literal["auto"] = _key(
        "auto", "whether torch compiles the step; auto: where a trial shows that it pays back within the run"
    )
    precision: Literal["float32", "tf32", "bf16"] = _key(
        "float32",
        "of the networks' products in training: tf32 and bf16 are quicker where the device has them; the loss is float32",
    )
    checkpoint_epochs: int = _key(1, "epochs between checkpoints (at most one a second, always one at the end)", ge=1)
    keep: int = _key(3, "how many of the newest checkpoints are kept, besides the best", ge=1)
    seed: int = _key(0, "of weights, splits, data order, noise and pictures", ge=0, lt=2**63)
    start_from: str | None = _key(None, "a checkpoint or a run whose weights training starts from")

    @model_validator(mode="before")
    @classmethod
    def _choose_epochs(cls, given: Any) -> Any:
        return given if {"epochs", "max_seconds"} & given.keys() else {**given, "epochs": 20}


class SampleTable(Table):
    """The grid of samples drawn every epoch."""

    count: int = _key(64, "images in the grid", ge=1, le=1024)


class Recipe(BaseModel):
    """A whole job: images, networks, likelihood, objective, optimizer, length and pictures."""

    model_config = ConfigDict(frozen=True)

    data: DataTable = DataTable()
    model: ModelTable = ModelTable()
    likelihood: LikelihoodTable = LikelihoodTable()
    objective: ObjectiveTable = ObjectiveTable()
    optimizer: OptimizerTable = OptimizerTable()
    train: TrainTable = TrainTable()
    sample: SampleTable = SampleTable()

    def resolved(self) -> dict[str, dict[str, Any]]:
        """Every table with every key that applies, defaults written out."""
        return {name: getattr(self, name).resolved() for name in TABLES}

    def to_toml(self) -> str:
        """Write the recipe, every default included; it parses back to an equal recipe."""
        return tomli_w.dumps(self.resolved())


TABLES: dict[str, type[Table]] = {
    "data": DataTable,
    "model": ModelTable,
    "likelihood": LikelihoodTable,
    "objective": ObjectiveTable,
    "optimizer": OptimizerTable,
    "train": TrainTable,
    "sample": SampleTable,
}


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, the name runs of it get, and sentences on what was dropped while reading it."""

    recipe: Recipe
    name: str
    notes: tuple[str, ...] = ()


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read the recipe at a path, or the shipped one of that name, with `table.key=value` overrides on top.

    Raises RecipeError with every problem found.
    """
    path = find_recipe(name_or_path)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RecipeError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise RecipeError(str(path), [f"is not UTF-8 text: {error}"]) from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(str(path), [f"is not TOML: {error}"]) from error
    recipe, notes = parse(tables, overrides, source=str(path))
    return LoadedRecipe(recipe, path.stem, notes)


def parse(
    tables: Mapping[str, Any], overrides: Sequence[str] = (), *, source: str = "recipe"
) -> tuple[Recipe, tuple[str, ...]]:
    """Validate `tables` with `table.key=value` overrides on top; the recipe, and notes on what was dropped.

    A key that goes only with another network (data set, optimizer, ...) is a problem, unless an override changed the
    network: then it is dropped with a note. Raises RecipeError with every problem found.
    """
    problems: list[str] = []
    notes: list[str] = []
    given = {name: dict(table) if isinstance(table, Mapping) else table for name, table in tables.items()}
    overridden = _apply(overrides, given, problems)

    sections: dict[str, Table] = {}
    for name, table in given.items():
        if name not in TABLES:
            problems.append(f"[{name}]: no such table{_did_you_mean(name, TABLES, '[{}]')}")
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
        raise RecipeError(source, problems)
    recipe = Recipe(**sections)
    if recipe.optimizer.schedule == "cosine" and recipe.train.epochs is None:
        raise RecipeError(source, ['[train] epochs: needed with [optimizer] schedule = "cosine", which ends with them'])
    return recipe, tuple(notes)


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with vae-tui, by name, such as "beta10" and "mnist/fc20"."""
    inside = Path(__file__).parent / "recipes"
    folder = inside if inside.is_dir() else Path(__file__).parent.parent / "recipes"
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


def reference() -> str:
    """The recipe reference as Markdown, made from the fields' descriptions."""
    lines: list[str] = []
    for name, kind in TABLES.items():
        lines += [f"#### `[{name}]`", "", str(kind.__doc__), "", "| key | default | meaning |", "| --- | --- | --- |"]
        for key, field in kind.model_fields.items():
            default = "" if field.default is None else tomli_w.dumps({"k": field.default})[4:].strip()
            default = " ".join(default.split()).replace("[ ", "[").replace(", ]", "]")
            lines.append(f"| `{key}` | {f'`{default}`' if default else ''} | {_meaning(field)} |")
        lines.append("")
    return "\n".join(lines)


def _meaning(field: Any) -> str:
    extra = field.json_schema_extra or {}
    only = "; ".join(f"{selector} {' '.join(values)}" for selector, values in extra.get("only", {}).items())
    choices = [f"`{value}`" for value in _choices(field.annotation)]
    parts = [f"{field.description}", f"one of {', '.join(choices)}" if len(choices) > 1 else ""]
    text = "; ".join(part for part in parts if part)
    return f"{text} *({only} only)*" if only else text


def _choices(annotation: Any) -> list[Any]:
    return list(get_args(annotation)) if get_origin(annotation) is Literal else []


def _apply(overrides: Sequence[str], given: dict[str, Any], problems: list[str]) -> set[tuple[str, str]]:
    """Put `table.key=value` overrides into `given`; the (table, key) pairs that were set."""
    overridden = set()
    for override in overrides:
        name, equals, text = override.partition("=")
        table, dot, key = name.strip().partition(".")
        if not equals or not dot or not key:
            problems.append(f"--set {override}: expected TABLE.KEY=VALUE, such as train.epochs=5")
            continue
        if isinstance(given.setdefault(table, {}), dict):
            given[table][key] = _toml_or_text(text.strip())
            overridden.add((table, key))
    return overridden


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
        if chosen not in _choices(kind.model_fields[selector].annotation):
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
    problems += [_say(name, kind, key, of_key) for key, of_key in by_key.items()]
    problems += [f"[{name}] {_complaint(detail)}" for detail in whole]
    return None


def _complaint(detail: Any) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")


def _say(name: str, kind: type[Table], key: str, details: Sequence[Any]) -> str:
    """Pydantic's errors about one key as one line: what was expected, what was found, what may have been meant."""
    if details[0]["type"] == "extra_forbidden":
        return f"[{name}] {key}: no such key{_did_you_mean(key, kind.model_fields, '{}')}"
    expected = list(dict.fromkeys(_expected(str(detail["msg"])) for detail in details))
    place = details[0]
    inside = "".join(f"[{index}]" for index in place["loc"][1:] if isinstance(index, int))
    found = place["input"]
    hint = _did_you_mean(found, _choices(kind.model_fields[key].annotation), '"{}"') if isinstance(found, str) else ""
    return f"[{name}] {key}{inside}: expected {' or '.join(expected)}, got {_as_toml(found)}{hint}"


def _expected(message: str) -> str:
    for pydantics, ours in (
        ("Input should be ", ""),
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


def _did_you_mean(word: str, known: Iterable[Any], form: str) -> str:
    known = [str(item) for item in known]
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {form.format(close[0])}?"
    return f" (known: {', '.join(form.format(item) for item in known)})" if known else ""


if __name__ == "__main__":
    print(reference())  # noqa: T201 - this is its output
