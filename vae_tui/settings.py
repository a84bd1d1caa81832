"""What a user chose for the program: a file in the config folder, read by every command and written by the settings screen.

    theme = "color-blind"
    pictures = "half"
    runs_dir = "~/runs"
    data_root = "/data"

    [keys]
    save-a-checkpoint = "ctrl+s"

What is wrong in the file is a problem in words, and the default holds in its place. Not validated by pydantic, which
takes as long to import as all that stands before the first paint.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vae_tui.errors import VaeTuiError
from vae_tui.folders import user_config
from vae_tui.imaging.terminal import MODES
from vae_tui.runs.files import read_small, user_path, write_whole
from vae_tui.text import path_as_text, printable
from vae_tui.wording import did_you_mean

PICTURES = ("auto", *MODES)
THEME = "vae-tui"
_LONGEST = 1 << 16
_FIRST_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    """What holds where neither an option nor a variable of the environment says otherwise.

    `keys` has the keys of actions that were given others, by the name of the action, as Textual names keys.
    """

    theme: str = THEME
    pictures: str = "auto"
    runs_dir: str = "checkpoints"
    data_root: str | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_value(self, key: str, value: Any) -> Settings:
        """The same with another value of one key; None is its default."""
        return replace(self, **{key: getattr(Settings(), key) if value is None else value})


def settings_path() -> Path:
    """The file of settings, which need not be there."""
    return user_config() / "settings.toml"


def read_settings(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings in a file, the defaults where there is none, and a line for everything that is wrong in it."""
    try:
        document = _parse(_read(path))
    except FileNotFoundError:
        return Settings(), ()
    except OSError as error:
        return Settings(), (f"cannot be read: {error.strerror}",)
    except ValueError as error:
        return Settings(), (str(error),)
    found = {key: _find_problem(key, value) for key, value in document.items()}
    right = {key: value for key, value in document.items() if found[key] is None}
    problems = [problem for problem in found.values() if problem is not None]
    for name in ("runs_dir", "data_root"):
        if name in right:
            right[name] = str(user_path(right[name]))
    if "keys" in right:
        right["keys"] = _read_keys(right["keys"], problems)
    return Settings(**right), tuple(map(printable, problems))


def describe_problems(path: Path, problems: tuple[str, ...]) -> str:
    """What is wrong with the file, in one message."""
    source, holds = printable(str(path)), "what is wrong is left out, and its default holds"
    if len(problems) == 1:
        return f"{source}: {problems[0]}; {holds}"
    return "\n".join([f"{source}: {len(problems)} problems; {holds}", *(f"  {problem}" for problem in problems)])


def change_setting(path: Path, key: str, value: str | Mapping[str, tuple[str, ...]] | None) -> Path | None:
    """Write one setting into the file, None for its default; everything else in it stays, also what others wrote meanwhile.

    Returns where a file that is no TOML was kept. Raises VaeTuiError where the file cannot be read or written.
    """
    kept = None
    path = path.resolve()  # a link, as where a folder of dot files is kept elsewhere, stays one
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            text = _read(path).decode("utf-8-sig")
            _parse(text.encode())
        except FileNotFoundError:
            text = ""
        except ValueError:
            kept = _keep_aside(path)
            text = ""
        write_whole(path, _with_value(text, key, value).encode())
    except OSError as error:
        raise VaeTuiError(f"{path} cannot be written: {error.strerror}; what you chose holds until you quit") from error
    return kept


def _read(path: Path) -> bytes:
    return read_small(path, _LONGEST)


def _parse(content: bytes) -> dict[str, Any]:
    """The document; raises ValueError, in words, for what is none."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not TOML: {error}") from error


def _keep_aside(path: Path) -> Path:
    """Give a file another name, which no file has."""
    number = 1
    while (kept := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    return path.rename(kept)


# What is wrong


def _find_problem(key: str, value: Any) -> str | None:
    check = _CHECKS.get(key)
    return f"{key}: no such setting{did_you_mean(key, _CHECKS)}" if check is None else check(key, value)


def _check_text(key: str, value: Any) -> str | None:
    return None if isinstance(value, str) and value else f"{key}: expected a name, got {value!r}"


def _check_pictures(key: str, value: Any) -> str | None:
    if value in PICTURES:
        return None
    hint = did_you_mean(value, PICTURES, most=0) if isinstance(value, str) else ""
    return f"{key}: expected {', '.join(PICTURES[:-1])} or {PICTURES[-1]}, got {value!r}{hint}"


def check_folder(key: str, value: Any) -> str | None:
    """What is wrong with a value as the path of a folder, or None."""
    if not isinstance(value, str) or not value:
        return f"{key}: expected the path of a folder, got {value!r}"
    try:
        path = user_path(value)
    except VaeTuiError as error:
        return f"{key}: {error}"
    return f"{key}: {value} is a file, expected a folder" if path.is_file() else None


def _check_keys(key: str, value: Any) -> str | None:
    return None if isinstance(value, dict) else f"{key}: expected a table, [{key}], got {value!r}"


def _read_keys(table: Mapping[str, Any], problems: list[str]) -> dict[str, tuple[str, ...]]:
    read = {}
    for action, value in table.items():
        keys = [value] if isinstance(value, str) else value
        if isinstance(keys, list) and keys and all(isinstance(key, str) and key for key in keys):
            read[action] = tuple(keys)
        else:
            problems.append(f'[keys] {action}: expected a key or several, such as "f5" or ["f5", "R"], got {value!r}')
    return read


_CHECKS: Mapping[str, Callable[[str, Any], str | None]] = {
    "theme": _check_text,
    "pictures": _check_pictures,
    "runs_dir": check_folder,
    "data_root": check_folder,
    "keys": _check_keys,
}


# Writing


def _with_value(text: str, key: str, value: str | Mapping[str, tuple[str, ...]] | None) -> str:
    """The text of the file with one value in it; comments stay, where a line is all there is to change."""
    import tomli_w  # noqa: PLC0415 most sessions change no setting

    wanted = tomllib.loads(text)
    wanted.pop(key, None)
    if isinstance(value, str):
        wanted[key] = path_as_text(value)
    elif value:
        wanted[key] = {action: keys[0] if len(keys) == 1 else list(keys) for action, keys in value.items()}
    written = tomli_w.dumps({key: wanted[key]}) if key in wanted else ""
    first_table = _FIRST_TABLE.search(text)
    end = first_table.start() if first_table else len(text)
    top, tables = text[:end], text[end:]
    if key == "keys":
        tables = written
    else:
        top, count = re.subn(rf"^{key}\s*=.*\n?", lambda _: written, top, flags=re.MULTILINE)
        if not count:
            top = f"{top.rstrip()}\n{written}".lstrip()
    edited = f"{top.rstrip()}\n\n{tables}".lstrip() if tables else top
    return edited if _means(edited, wanted) else tomli_w.dumps(wanted)


def _means(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except ValueError:
        return False
