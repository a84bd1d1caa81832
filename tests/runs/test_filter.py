"""Runs by what is typed, and in what order."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from vae_tui.runs.about import About
from vae_tui.runs.columns import COLUMNS, UnknownKey, show, sort_runs
from vae_tui.runs.filter import FilterError, parse_filter
from vae_tui.runs.summary import Summary


def summary(name: str, **fields: object) -> Summary:
    recipe = {
        "data": {"name": "mnist"},
        "model": {"latent_dim": 20, "hidden": [400], "network": "mlp"},
        "objective": {"beta": 1.0},
        "optimizer": {"lr": 1e-3},
        "train": {"seed": 0, "compile": False},
    }
    given = {"phase": "completed", "live": False, "recipe": recipe, "about": About(), **fields}
    given.setdefault("recipe_name", name.partition("-")[0])
    return Summary(path=Path("checkpoints") / name, **given)  # type: ignore[arg-type]


def other(recipe: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    base = summary("").recipe
    return {table: {**base.get(table, {}), **recipe.get(table, {})} for table in base}


NOW = time.time()
RUNS = [
    summary("fc20-20260101-120000", updated=NOW - 30, epoch=5, validation={"elbo": -100.0, "rate": 25.0}, beta=1.0),
    summary(
        "beta10-20260101-130000-2",
        phase="failed",
        recipe=other({"objective": {"beta": 10.0}, "train": {"seed": 1}}),
        about=About(("paper", "old")),
        updated=NOW - 7200,
        beta=10.0,
    ),
    summary("photos", recipe=other({"data": {"name": "folder"}, "optimizer": {"lr": 1e-4}}), live=True, phase="training"),
    summary("broken", recipe={}, phase="interrupted"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [0, 1, 2, 3]),
        ("fc20", [0]),
        ("FC20", [0]),
        ("paper", [1]),
        ("folder", [2]),
        ("-paper", [0, 2, 3]),
        ("state:failed", [1]),
        ("status=failed", [1]),
        ("state:*ed", [0, 1, 3]),
        ("beta==10", [1]),
        ("nelbo:*", [0]),
        ("-state:failed -state:interrupted", [0, 2]),
        ("state!=failed", [0, 2, 3]),
        ("data:mnist", [0, 1]),
        ("data:m*t", [0, 1]),
        ("tag:paper", [1]),
        ("tag:pap", []),
        ("tag:", [0, 2, 3]),
        ("beta>=4", [1]),
        ("beta<4", [0, 2]),
        ("beta:10", [1]),
        ("-seed:0", [1, 3]),
        ("optimizer.lr<1e-3", [2]),
        ("lr<1e-3 ", [2]),
        ("optimizer.lr=1e-4", [2]),
        ("compile:false", [0, 1, 2]),
        ("model.hidden:400", [0, 1, 2]),
        ("age<5m", [0]),
        ("age>1h", [1]),
        ("nelbo<=100", [0]),
        ("recipe:beta10", [1]),
        ("z:20 kl>20", [0]),
        ('name:"fc20-20260101-120000"', [0]),
        ("fc20 beta>=4", []),
    ],
)
def test_a_filter_finds_what_it_asks_for(text: str, found: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)  # however long ago these runs were made up
    assert parse_filter(text, RUNS)(RUNS) == [RUNS[index] for index in found]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("beta>=", "beta is compared with a number, and '' is none"),
        ("beta>four", "beta is compared with a number, and 'four' is none"),
        ("optimiser.lr:1", "no run has 'optimiser.lr'; did you mean optimizer.lr?"),
        ("name:x colour:red", "no run has 'colour'"),
        ('"fc20', "a quotation mark has no other that ends it"),
    ],
)
def test_a_filter_that_means_nothing_is_explained(text: str, problem: str) -> None:
    with pytest.raises(FilterError, match=problem.replace("?", r"\?")):
        parse_filter(text, RUNS)


def test_a_key_of_two_tables_has_to_be_given_whole() -> None:
    runs = [summary("a", recipe=other({"likelihood": {"name": "bernoulli"}})), *RUNS]
    runs[0].recipe["prior"] = {"beta2": 1}
    runs[0].recipe["optimizer"]["beta2"] = 1
    with pytest.raises(FilterError, match=r"'beta2' may be optimizer.beta2 or prior.beta2"):
        parse_filter("beta2:1", runs)


def test_runs_are_sorted_by_any_column_or_key_and_those_without_a_value_come_last() -> None:
    assert [run.name for run in sort_runs(RUNS, "name")][:2] == ["beta10-20260101-130000-2", "broken"]
    assert sort_runs(RUNS, "age")[:2] == [RUNS[0], RUNS[1]]
    assert sort_runs(RUNS, "-beta") == [RUNS[1], RUNS[0], RUNS[2], RUNS[3]]
    assert sort_runs(RUNS, "optimizer.lr")[0] is RUNS[2]
    assert sort_runs(RUNS, "nelbo")[1:] == RUNS[1:]
    assert sort_runs(RUNS, "lr") == sort_runs(RUNS, "optimizer.lr")
    assert sort_runs(RUNS, "-epochs")[0] is RUNS[0]
    with pytest.raises(UnknownKey, match="no run has 'colour'"):
        sort_runs(RUNS, "colour")


def test_what_was_set_otherwise_than_in_its_recipe_is_shown() -> None:
    from vae_tui.recipe import load_recipe

    recipe = load_recipe("beta10", ["train.seed=7", "optimizer.lr=2e-4"]).recipe.resolved()
    run = summary("beta10-20260101-120000", recipe=recipe)
    assert show(COLUMNS["changed"], run) == "lr=2e-4 seed=7"
    assert "beta=10" in show(COLUMNS["changed"], summary("mine", recipe=recipe))
    assert show(COLUMNS["changed"], RUNS[3]) == ""
