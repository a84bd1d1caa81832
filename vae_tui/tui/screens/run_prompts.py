"""What is asked before something is done to runs in a list; `PROMPTS` has a prompt by what it does.

A prompt may be a sentence instead, where there is nothing to ask about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from vae_tui.errors import RecipeError, VaeTuiError
from vae_tui.runs.about import check_tags
from vae_tui.runs.columns import COLUMNS, SHOWN, UnknownKey, find_key, recipe_keys
from vae_tui.runs.commands import Set
from vae_tui.runs.layout import Run, check_name
from vae_tui.runs.summary import Summary
from vae_tui.tui import run_actions
from vae_tui.tui.screens.prompt import PromptScreen
from vae_tui.tui.screens.run_control import NO_RUN, RunControl
from vae_tui.wording import counted, format_bytes


@dataclass(frozen=True)
class Prompt:
    """A question, and what is done with the answer."""

    screen: PromptScreen
    take: Callable[[str], None]


Asked = Callable[[RunControl, list[Summary]], Prompt | str]


def _keys(control: RunControl) -> dict[str, str]:
    """What runs are sorted by and what columns there are, with what they mean."""
    keys = sorted({key for run in control.run_list.runs for key in recipe_keys(run)})
    return {key: column.meaning for key, column in COLUMNS.items()} | dict.fromkeys(keys, "of the recipe")


def _sort(control: RunControl, _: list[Summary]) -> Prompt | str:
    keys = _keys(control)

    def suggest(text: str) -> list[tuple[str, str]]:
        minus = "-" if text.startswith("-") else ""
        return [(minus + key, meaning) for key, meaning in keys.items() if text.removeprefix("-") in key][:60]

    screen = PromptScreen(
        "sort by",
        "a column or a key of recipes; - before it: largest first",
        suggest=suggest,
        check=lambda text: _wrong_key([text.removeprefix("-")], keys),
    )
    return Prompt(screen, control.sort_by)


def _columns(control: RunControl, _: list[Summary]) -> Prompt | str:
    keys = _keys(control)

    def suggest(text: str) -> list[tuple[str, str]]:
        *before, last = text.split(" ")
        start = " ".join(before) + (" " if before else "")
        return [(start + key, meaning) for key, meaning in keys.items() if last in key and key not in before][:60]

    screen = PromptScreen(
        "columns",
        "keys with a space between; nothing: the usual ones, as many as fit",
        value=" ".join(SHOWN),
        suggest=suggest,
        check=lambda text: _wrong_key(text.split(), keys),
    )
    return Prompt(screen, lambda text: control.show_columns([find_key(key, keys) for key in text.split()]))


def _wrong_key(given: Sequence[str], keys: Collection[str]) -> str | None:
    """What is wrong with the first key that is none."""
    try:
        for key in given:
            find_key(key, keys)
    except UnknownKey as error:
        return str(error)
    return None


def _new(control: RunControl, _: list[Summary]) -> Prompt | str:
    def check(text: str) -> str | None:
        try:
            control.read_new_run(text)
        except RecipeError as error:
            return error.problems[0]
        except VaeTuiError as error:
            return str(error)
        return None

    screen = PromptScreen(
        "train a new run",
        "RECIPE, then any TABLE.KEY=VALUE, and name=NAME; tab completes",
        suggest=run_actions.suggest_new_run,
        check=check,
        checks_as_one_types=True,
    )
    return Prompt(screen, lambda text: control.start(control.read_new_run(text), open_it=True))


def _tag(control: RunControl, runs: list[Summary]) -> Prompt | str:
    if not runs:
        return NO_RUN
    known = sorted({tag for run in control.run_list.runs for tag in run.about.tags})

    def suggest(text: str) -> list[tuple[str, str]]:
        return [(tag, "") for tag in known if text in tag]

    hint = "tags with a space between; -TAG takes one away"

    def check(text: str) -> str | None:
        return _problem(lambda: check_tags(tag.removeprefix("-") for tag in text.split()))

    screen = PromptScreen(f"tag {_name(runs)}", hint, suggest=suggest, check=check)
    return Prompt(screen, lambda text: control.act("tagging", runs, run_actions.tag_with(text)))


def _note(control: RunControl, runs: list[Summary]) -> Prompt | str:
    if not runs:
        return NO_RUN
    screen = PromptScreen(
        f"a note on {_name(runs)}", "it stands in the run's folder; nothing: no note", value=runs[0].about.note
    )
    return Prompt(screen, lambda text: control.act("writing", runs, run_actions.note_down(text)))


def _rename(control: RunControl, runs: list[Summary]) -> Prompt | str:
    if len(runs) != 1:
        return "one run at a time is renamed" if runs else NO_RUN
    if runs[0].live:
        return f"{runs[0].name} is trained: stop it first, by x"

    def check(text: str) -> str | None:
        return _problem(lambda: check_name(text, shown=text))

    screen = PromptScreen(f"rename {runs[0].name}", "its new name", value=runs[0].name, check=check)

    def take(text: str) -> None:
        if text and text != runs[0].name:
            control.act("renaming", runs, run_actions.rename_to(text))

    return Prompt(screen, take)


def _delete(control: RunControl, runs: list[Summary]) -> Prompt | str:
    if not runs:
        return NO_RUN
    if live := [run.name for run in runs if run.live]:
        return f"{live[0]} is trained: stop it first, by x"
    expected = runs[0].name if len(runs) == 1 else str(len(runs))
    checkpoints = sum(len(Run(run.path).checkpoints()) for run in runs)
    size = format_bytes(sum(run.size_bytes for run in runs))
    wanted = "its name" if len(runs) == 1 else f"how many they are, {expected},"
    names = "" if len(runs) == 1 else f": {', '.join(run.name for run in runs)}"
    screen = PromptScreen(
        f"delete {_name(runs)}?",
        f"{counted(checkpoints, 'checkpoint')}, {size}{names}; type {wanted} to delete it all",
        check=lambda text: None if text == expected else f"{text!r} is not {expected!r}: nothing is deleted",
    )

    def take(text: str) -> None:
        if text == expected:
            control.act("deleting", runs, run_actions.delete)

    return Prompt(screen, take)


def _epochs(control: RunControl, runs: list[Summary]) -> Prompt | str:
    if not runs:
        return NO_RUN
    asked = [value for run in runs if isinstance(value := run.recipe.get("train", {}).get("epochs"), int)]

    def check(text: str) -> str | None:
        return None if text.isdecimal() and int(text) > 0 else "expected a number of epochs, such as 40"

    screen = PromptScreen(
        f"train {_name(runs)} up to epoch",
        f"now {max(asked)}; what is over goes on from its newest checkpoint" if asked else "in all",
        value=str(max(asked)) if asked else "",
        check=check,
    )

    def take(text: str) -> None:
        if not text or [int(text)] == asked:
            return
        live, over = [run for run in runs if run.live], [run for run in runs if not run.live]
        if live:
            control.command("changing", Set("train.epochs", int(text)), live)
        if over:
            control.go_on(over, (f"train.epochs={text}",))

    return Prompt(screen, take)


def _change(control: RunControl, runs: list[Summary]) -> Prompt | str:
    from functools import partial  # noqa: PLC0415

    from vae_tui.tui.steering import check_settings, settings_to_commands, suggest_settings  # noqa: PLC0415 - pydantic

    live = [run for run in runs if run.live]
    if not live:
        return "nobody trains that run: r resumes it" if runs else NO_RUN
    screen = PromptScreen(
        f"change {_name(live)}",
        "KEY=VALUE, or several; it trains by it from its next step on, and its recipe keeps it",
        suggest=partial(suggest_settings, recipe=live[0].recipe),
        check=partial(check_settings, recipes=[run.recipe for run in live]),
    )

    def take(text: str) -> None:
        for command in settings_to_commands(text):
            control.command("changing", command, live)

    return Prompt(screen, take)


def _problem(check: Callable[[], None]) -> str | None:
    """What a check raises, in words."""
    try:
        check()
    except VaeTuiError as error:
        return str(error)
    return None


def _name(runs: Sequence[Summary]) -> str:
    return runs[0].name if len(runs) == 1 else counted(len(runs), "run")


PROMPTS: Mapping[str, Asked] = {
    "sort": _sort,
    "columns": _columns,
    "new": _new,
    "tag": _tag,
    "note": _note,
    "rename": _rename,
    "delete": _delete,
    "epochs": _epochs,
    "change": _change,
}
