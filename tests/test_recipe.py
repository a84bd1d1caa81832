from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from vae_tui.errors import RecipeError
from vae_tui.recipe import find_recipe, load_recipe, parse, shipped_recipes
from vae_tui.recipe.reference import reference

ROOT = Path(__file__).parent.parent


def problems_of(tables: dict[str, object], *overrides: str) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        parse(tables, overrides)
    return caught.value.problems


def test_an_empty_recipe_is_a_whole_job() -> None:
    recipe, notes = parse({})
    assert (recipe.data.name, recipe.data.image_size, recipe.train.epochs) == ("digits", 28, 20)
    assert notes == ()


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_validates_and_begins_with_its_command(name: str) -> None:
    path = shipped_recipes()[name]
    load_recipe(name)
    assert path.read_text().splitlines()[0] == f"# vae-tui train recipes/{name}.toml"


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_resolved_recipe_parses_back_to_itself_without_a_default(name: str) -> None:
    recipe = load_recipe(name).recipe
    resolved = tomllib.loads(recipe.to_toml())
    assert parse(resolved)[0] == recipe
    assert resolved.pop("changes", []) == [change.model_dump() for change in recipe.changes]
    assert resolved == recipe.resolved()


def test_every_problem_is_reported_at_once() -> None:
    problems = problems_of(
        {
            "data": {"name": "minst"},
            "model": {"hiden": [4], "latent_dim": 0, "channels": [3]},
            "optimzer": {},
            "optimizer": {"lr": "fast", "schedule": "step"},
            "train": {"epochs": "5", "batch_size": True},
        },
        "train.threads=0",
        "train",
    )
    expected = [
        "--set train: expected TABLE.KEY=VALUE",
        "[optimzer]: no such table; did you mean [optimizer]?",
        'got "minst"; did you mean "mnist"?',
        "[model] hiden: no such key; did you mean hidden?",
        "[model] latent_dim: expected at least 1, got 0",
        '[model] channels: goes only with network = "conv" or "resnet" or "autoencoder-kl", and network is "mlp"',
        '[optimizer] lr: expected a number, got "fast"',
        '[optimizer] milestones: needed with schedule = "step"',
        '[train] epochs: expected an integer, got "5"',
        "[train] batch_size: expected an integer, got true",
        '[train] threads: expected at least 1 or "auto", got 0',
    ]
    for text in expected:
        assert any(text in problem for problem in problems), text
    assert len(problems) == len(expected)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", '"x"', "[1]", "true"])
def test_a_learning_rate_is_a_finite_positive_number(value: str) -> None:
    (problem,) = problems_of({}, f"optimizer.lr={value}")
    assert problem.startswith("[optimizer] lr: expected ")


def test_nothing_to_minimise_is_a_problem() -> None:
    (problem,) = problems_of({"objective": {"beta": 0.0, "distortion": False}})
    assert "nothing to minimise" in problem


def test_a_cosine_needs_to_know_where_it_ends() -> None:
    (problem,) = problems_of({"optimizer": {"schedule": "cosine"}, "train": {"max_seconds": 5.0}})
    assert problem.startswith("[train] epochs: needed")


def test_overrides_are_toml_or_plain_strings() -> None:
    recipe, _ = parse({}, ["model.hidden=[3, 4]", "data.name=mnist", "optimizer.lr=1", "train.max_seconds=2.5"])
    assert (recipe.model.hidden, recipe.data.name, recipe.optimizer.lr) == ((3, 4), "mnist", 1.0)
    assert recipe.train.epochs is None


def test_an_override_cannot_smuggle_in_another_key() -> None:
    (problem,) = problems_of({}, "train.epochs=1\nseed=3")
    assert problem.startswith("[train] epochs: expected an integer")


def test_keys_of_another_network_are_dropped_with_a_word_after_an_override() -> None:
    recipe, notes = parse(
        {"model": {"hidden": [7]}, "data": {"image_size": 9}}, ["model.network=conv", "data.name=mnist"]
    )
    assert recipe.model.network == "conv"
    assert [note.split(":")[0] for note in notes] == ["[data] image_size dropped", "[model] hidden dropped"]


def test_an_override_that_does_not_apply_is_a_problem() -> None:
    (problem,) = problems_of({}, "model.channels=[3]")
    assert "goes only with" in problem


def test_a_recipe_is_found_by_path_by_name_and_by_its_last_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("")
    assert find_recipe("mine.toml") == Path("mine.toml")
    assert find_recipe("beta10") == shipped_recipes()["beta10"]
    assert find_recipe("fc20") == find_recipe("mnist/fc20") == shipped_recipes()["mnist/fc20"]
    with pytest.raises(RecipeError, match=r"did you mean beta10\?"):
        find_recipe("beta100")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"[data\n", "is not TOML: .*line 1"), (b"\xff\xfe", "is not UTF-8"), (b"data = 3\n", "expected a table")],
)
def test_a_file_that_is_no_recipe_is_one_clear_message(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=complaint) as caught:
        load_recipe(str(path))
    assert str(path) in str(caught.value)


def test_the_docs_have_the_reference_as_it_is() -> None:
    assert reference() in (ROOT / "docs" / "recipes.md").read_text(), "run: make reference"


def test_a_problem_with_what_was_overridden_says_that_it_was(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[train]\nseed = 1\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path), ["train.epochs=-3", "model.hidden=[3, -1]", "train.batch_size=7"])
    first, *problems = str(caught.value).splitlines()
    assert first == f"{path} with another model.hidden and train.epochs: 2 problems"
    assert problems == [
        "  [model] hidden[1]: expected at least 1, got -1",
        "  [train] epochs: expected at least 1, got -3",
    ]
    path.write_text("[train]\nepochs = -3\n")
    with pytest.raises(RecipeError, match=rf"^{path}: \[train\] epochs"):
        load_recipe(str(path), ["train.batch_size=7"])
