"""The file of networks of one's own: read, and looked at as far as that goes without running it."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterator
from pathlib import Path

from vae_tui.errors import RecipeError

_LONGEST = 1 << 22


def read_network_file(network: str, folder: Path | None) -> str:
    """What the file of "FILE.py:ENCODER,DECODER" holds, from `folder` or the working directory.

    Raises RecipeError, on the file, where it cannot be read, is no Python, or makes no such classes.
    """
    name, _, classes = network.partition(":")
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
