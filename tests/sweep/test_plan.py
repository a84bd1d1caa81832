from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.errors import RecipeError
from vae_tui.recipe import shipped_sweeps
from vae_tui.sweep.plan import check_plan, find_sweep_file, plan_of_grid, read_plan, run_names


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_grid_is_every_pair_of_values_the_last_key_turning_fastest(tmp_path: Path) -> None:
    plan = read_plan(
        write(
            tmp_path,
            'recipe = "digits"\n[grid]\nobjective.beta = [0, 4]\n"train.seed" = [0, 1]\n[set]\ntrain.epochs = 2',
        )
    )
    assert plan.runs == (
        {"objective.beta": 0, "train.seed": 0},
        {"objective.beta": 0, "train.seed": 1},
        {"objective.beta": 4, "train.seed": 0},
        {"objective.beta": 4, "train.seed": 1},
    )
    assert plan.overrides(plan.runs[1]) == ("train.epochs=2", "objective.beta=0", "train.seed=1")
    assert run_names(plan)[2] == "mine-beta=4,seed=0"


def test_lists_of_zip_go_together(tmp_path: Path) -> None:
    plan = read_plan(
        write(
            tmp_path,
            'recipe = "digits"\n[zip]\nmodel.hidden = [[400], [512, 256]]\nlr = [1e-3, 5e-4]\n[grid]\ntrain.seed = [0, 1]',
        )
    )
    assert [(run["model.hidden"], run["optimizer.lr"]) for run in plan.runs] == [
        ([400], 1e-3),
        ([512, 256], 5e-4),
        ([400], 1e-3),
        ([512, 256], 5e-4),
    ]
    assert "mine-seed=1,hidden=512-256,lr=0.0005" in run_names(plan)


def test_a_grid_is_given_on_the_command_line(tmp_path: Path) -> None:
    plan = plan_of_grid("digits", grid=["beta=0,0.5", "model.hidden=[16],[32, 16]"], fixed=["train.epochs=3"])
    assert plan.name == "digits-beta-hidden"
    assert plan.keys == ("objective.beta", "model.hidden")
    assert plan.runs[1]["model.hidden"] == [32, 16]
    assert plan.fixed == {"train.epochs": 3}


def test_values_of_words_need_no_quotation_marks() -> None:
    assert [
        run["likelihood.name"] for run in plan_of_grid("digits", grid=["likelihood.name=bernoulli,gaussian"]).runs
    ] == [
        "bernoulli",
        "gaussian",
    ]


def test_the_recipe_lies_beside_the_sweeps_file_or_is_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text('[data]\nname = "digits"\n[model]\nhidden = [16]\n')
    plan = read_plan(write(tmp_path, 'recipe = "tiny.toml"\n[grid]\nobjective.beta = [1, 2]'))
    assert (plan.base_name, list(plan.base.model.hidden)) == ("tiny", [16])


def test_a_long_name_is_cut_and_numbered() -> None:
    plan = plan_of_grid("digits", grid=["model.hidden=[100,200,300,400,500,600,700],[7]"], name="n" * 100)
    assert [len(name) <= 120 for name in run_names(plan)] == [True, True]
    assert len(set(run_names(plan))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid]\nobjective.beta = [1]", "recipe: expected the file of a recipe"),
        ('recipe = "digits"', "holds no [grid], [zip] or [search]"),
        ('recipe = "digits"\n[grid]\nobjective.betta = [1]', "did you mean objective.beta?"),
        ('recipe = "digits"\n[grid]\nobjective.beta = 1', "expected a list of values, got 1"),
        ('recipe = "digits"\n[grid]\nobjective.beta = []', "expected a list of values"),
        ('recipe = "digits"\n[grid]\nobjective.beta = [1, 1]', "a value stands in it twice"),
        (
            'recipe = "digits"\n[grid]\nobjective.beta = [1, 2]\n[set]\nobjective.beta = 3',
            "set for all runs, and in a list",
        ),
        (
            'recipe = "digits"\n[zip]\nobjective.beta = [1, 2]\ntrain.seed = [1]',
            "objective.beta has 2, train.seed has 1",
        ),
        ('recipe = "digits"\n[grid]\nobjective.beta = [1]\n[zip]\nobjective.beta = [2]', "given in two lists"),
        ('recipe = "nothing"\n[grid]\nobjective.beta = [1]', "no such file or shipped recipe"),
        ('recipe = "digits"\n[grid]\nobjective.beta = [1]\n[trian]\nepochs = 2', "[trian]: no such table"),
        ("recipe = [", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as raised:
        read_plan(write(tmp_path, text))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (["objective.beta=-1,1"], "[objective] beta"),
        (["latent_dim=0,2"], "[model] latent_dim"),
        (["model.channels=[8],[16]"], 'goes with network = "conv"'),
    ],
)
def test_every_run_is_checked_before_one_is_trained(grid: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as raised:
        check_plan(plan_of_grid("digits", grid=grid))
    assert message in str(raised.value) or "goes only with" in str(raised.value)


def test_too_many_runs_are_refused() -> None:
    with pytest.raises(RecipeError, match="at most 10,000"):
        plan_of_grid(
            "digits", grid=[f"seed={','.join(map(str, range(200)))}", f"epochs={','.join(map(str, range(1, 90)))}"]
        )


def test_a_recipe_is_no_sweep(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text('[data]\nname = "digits"\n')
    assert find_sweep_file(str(recipe)) is None
    assert find_sweep_file("betas") is not None
    assert find_sweep_file("no-such-sweep") is None


@pytest.mark.parametrize("name", shipped_sweeps())
def test_every_shipped_sweep_is_right_and_says_how_it_is_started(name: str) -> None:
    path = shipped_sweeps()[name]
    plan = read_plan(path)
    check_plan(plan)
    assert plan.run_count > 1
    assert path.read_text().startswith(f"# vae-tui sweep recipes/sweeps/{name}.toml\n# ")
