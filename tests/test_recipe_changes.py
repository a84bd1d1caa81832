"""`[[changes]]`: what a recipe says of steps to come."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from vae_tui.errors import RecipeError
from vae_tui.recipe import Change, add_change, parse
from vae_tui.recipe.changes import read_setting

CHANGES = [
    {"step": 100, "key": "objective.beta", "value": 4},
    {"step": 100, "key": "optimizer.lr", "value": 1e-4},
    {"step": 300, "key": "objective.beta", "value": 2.0},
]


def test_they_are_written_as_they_are_read_and_hold_from_their_steps_on() -> None:
    recipe, _ = parse({"changes": CHANGES})
    assert recipe.to_toml().count("[[changes]]\n") == 3
    assert parse(tomllib.loads(recipe.to_toml()))[0] == recipe
    assert [recipe.at(step).objective.beta for step in (0, 99, 100, 299, 300)] == [1.0, 1.0, 4.0, 4.0, 2.0]
    assert [recipe.at(step).optimizer.lr for step in (99, 300)] == [1e-3, 1e-4]
    assert [recipe.objective_since(step) for step in (99, 100, 999)] == [0, 100, 300]
    assert recipe.objective.beta == 1.0


def test_a_change_takes_the_place_of_one_of_its_key_at_its_step() -> None:
    recipe, _ = parse({"changes": CHANGES})
    recipe = add_change(recipe, Change(step=100, key="objective.beta", value=7))
    assert [(change.step, change.value) for change in recipe.changes] == [(100, 1e-4), (100, 7.0), (300, 2.0)]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (3, "changes: expected tables, [[changes]], got 3"),
        ([3], "[[changes]] 1: expected a table of step, key and value, got 3"),
        ([{"step": 1, "key": "objective.beta"}], "[[changes]] 1: expected a table of step, key and value"),
        ([{"step": -1, "key": "objective.beta", "value": 1}], "step: expected an integer, at least 0, got -1"),
        ([{"step": True, "key": "objective.beta", "value": 1}], "step: expected an integer, at least 0, got True"),
        ([{"step": 1, "key": "model.hidden", "value": [1]}], "[[changes]] 1: key: expected one of objective.beta"),
        ([{"step": 1, "key": "objective.beta", "value": -1}], "[[changes]] 1: [objective] beta: expected at least 0"),
        ([{"step": 1, "key": "objective.beta", "value": "x"}], "[[changes]] 1: [objective] beta: expected a number"),
        ([{"step": 1, "key": "objective.capacity", "value": 3}], "capacity: goes only with name = \"capacity\""),
        ([CHANGES[2], CHANGES[0]], "[[changes]] 2: step 100 comes after step 300; expected them in their order"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_by_its_number(given: Any, problem: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse({"changes": given})
    assert problem in str(caught.value)


def test_a_setting_is_a_key_and_a_number() -> None:
    assert read_setting("objective.beta=4") == ("objective.beta", 4)
    assert read_setting("lr = 3e-4") == ("optimizer.lr", 3e-4)
    for text, problem in (
        ("beta", "expected KEY=VALUE"),
        ("=4", "expected KEY=VALUE"),
        ("beta=four", "beta: expected a number, got 'four'"),
        ("beta=inf", "beta: expected a number, got 'inf'"),
        ("beta=true", "beta: expected a number, got 'true'"),
        ("seed=3", "seed cannot be changed while a run trains; what can: objective.beta"),
    ):
        with pytest.raises(RecipeError, match=problem.replace("?", r"\?")):
            read_setting(text)
