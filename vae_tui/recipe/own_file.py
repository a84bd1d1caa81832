"""The file of networks, an objective or a likelihood of one's own: read, and looked at as far as that goes without running it."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path

from vae_tui.errors import RecipeError
from vae_tui.recipe.tables import ModelTable, Recipe

_LONGEST = 1 << 22
_USUAL_IMPORTS = """import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn import functional as F

"""


def read_own_file(named: str, folder: Path | None) -> str:
    """What the file of "FILE.py:ENCODER,DECODER" or "FILE.py:CLASS" holds, from `folder` or the working directory.

    Raises RecipeError, on the file, where it cannot be read, is no Python, or makes no such classes.
    """
    name, _, classes = named.partition(":")
    path = Path(name)
    try:
        path = path.expanduser() if folder is None else folder / path.expanduser()
        if path.stat().st_size > _LONGEST:
            raise RecipeError(str(path), [f"is longer than {_LONGEST:,} bytes"])
        code = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(str(path), ["is not UTF-8 text: save it as UTF-8"]) from error
    except (OSError, RuntimeError) as error:
        raise RecipeError(str(path), [f"cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise RecipeError(str(path), [f"{line}{type(error).__name__}: {reason}"]) from error
    names = set(_names(tree))
    missing = [one for one in classes.split(",") if one not in names and "*" not in names]
    if missing:
        there = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        raise RecipeError(
            str(path), [f"has no class {' and no class '.join(missing)} (it has {', '.join(there) or 'none'})"]
        )
    return code


def with_networks(recipe: Recipe, encoder: type, decoder: type) -> Recipe:
    """The recipe with two classes of a notebook's, or of a module's, as its networks; raises RecipeError where their source is not kept."""
    table = recipe.model.resolved() | {
        "network": f"{_file_of(encoder)}:{encoder.__name__},{decoder.__name__}",
        "code": _source_of(encoder, decoder),
    }
    applies = ModelTable.keys(table)
    model = ModelTable.model_validate({key: value for key, value in table.items() if applies[key]})
    return recipe.model_copy(update={"model": model})


def _file_of(kind: type) -> str:
    return "notebook.py" if kind.__module__ == "__main__" else f"{kind.__module__.rpartition('.')[2]}.py"


def _source_of(*kinds: type) -> str:
    """What defines some classes: of a module all of it, of a notebook or a script they alone, with the usual imports of torch."""
    try:
        modules = {kind.__module__ for kind in kinds}
        if len(modules) == 1 and "__main__" not in modules:
            return inspect.getsource(sys.modules[modules.pop()])
        return _USUAL_IMPORTS + "\n\n".join(textwrap.dedent(inspect.getsource(kind)) for kind in kinds)
    except (OSError, TypeError) as error:
        names = " and ".join(kind.__name__ for kind in kinds)
        raise RecipeError(
            "network", [f"the source of {names} is not to be found ({error}): write them to a file, and name that"]
        ) from error


def _names(tree: ast.Module) -> Iterator[str]:
    """What a module may be asked for once it has run, as far as can be seen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def line_of(error: BaseException) -> str:
    """Where in the user's code an error comes from, "my_networks.py, line 12: "; empty where it does not."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith("<") and frame.filename.endswith(".py>"):
            return f"{frame.filename[1:-1]}, line {frame.lineno}: "
    return ""
