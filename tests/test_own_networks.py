"""Networks of one's own: a file beside the recipe, through the whole round, and never run for whoever does not trust it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import Cli

import vae_tui
from vae_tui.errors import CheckpointError, RecipeError
from vae_tui.model import build
from vae_tui.model.checkpoint import load_checkpoint, read_tensors
from vae_tui.recipe import load_recipe
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder

NETWORKS = '''"""A network of my own: a \\\\ backslash and "quotes" in its docstring."""
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, image_shape, outputs):
        super().__init__()
        channels, height, width = image_shape
        self.convolution = nn.Conv2d(channels, 4, 3, padding=1)
        self.scale = nn.Parameter(torch.randn(4))
        self.dropout = nn.Dropout(0.2)
        self.last = nn.Linear(4 * height * width, outputs)

    def forward(self, images):
        features = self.convolution(images).relu() * self.scale[:, None, None]
        return self.last(self.dropout(features.flatten(1)))


class Decoder(nn.Module):
    def __init__(self, latent_dim, image_shape, outputs):
        super().__init__()
        channels, height, width = image_shape
        self.shape = (outputs * channels, height, width)
        self.layers = nn.Sequential(nn.Linear(latent_dim, 16), nn.Tanh(), nn.Linear(16, outputs * channels * height * width))

    def forward(self, latent):
        return self.layers(latent).unflatten(1, self.shape)
'''


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trusted yet, and the user's own folder is left alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VAE_TUI_TRUST", raising=False)


@pytest.fixture
def recipe(images_path: Path) -> Path:
    folder = images_path.parent / "mine"
    folder.mkdir()
    (folder / "networks.py").write_text(NETWORKS)
    path = folder / "own.toml"
    path.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nnetwork = "networks.py:Encoder,Decoder"\nlatent_dim = 3\n'
        "[train]\nepochs = 2\nbatch_size = 20\nthreads = 1\n[sample]\ncount = 4\n"
    )
    return path


def test_the_file_beside_the_recipe_becomes_part_of_it(recipe: Path) -> None:
    loaded = load_recipe(str(recipe)).recipe
    assert loaded.model.code == NETWORKS
    (recipe.parent / "networks.py").unlink()
    again = recipe.with_name("recipe.toml")
    again.write_text(loaded.to_toml())
    assert load_recipe(str(again)).recipe == loaded
    assert "hidden" not in loaded.resolved()["model"]


def test_the_same_seed_makes_the_same_networks_and_they_begin_as_they_are_made(recipe: Path) -> None:
    loaded = load_recipe(str(recipe)).recipe
    first, again, other = (build(loaded, (1, 8, 6), seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["encoder.scale"], other["encoder.scale"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("class Encoder(nn.Module)", "class Encoder", r"has no class Encoder that is a torch.nn.Module \(it has Decoder\)"),
        ("nn.Linear(4 * height * width, outputs)", "nn.Linear(4 * height * width, 5)",
         r"Encoder makes \(2, 5\) of a batch \(2, 1, 8, 6\); expected \(2, 6\): 6 numbers for the diagonal posterior of 3"),
        (".unflatten(1, self.shape)", "", r"Decoder makes \(2, 48\) of a batch \(2, 3\); expected \(2, 1, 8, 6\): 1 for each value"),
        ("nn.Linear(4 * height * width, outputs)", "nn.LazyLinear(outputs)", "Encoder has lazy layers, .*: give their sizes"),
        ("images).relu()", "image).relu()", r"line 16: NameError: name 'image' is not defined \(in Encoder of a batch"),
        ("import torch\n", "import torsch\n", r"line 2: ModuleNotFoundError: No module named 'torsch'"),
        ("super().__init__()", "pass", r"line 10: AttributeError: cannot assign module before"),
        ("return self.last(self.dropout(features.flatten(1)))", "return self.last(self.dropout(features.flatten(1))).double()",
         "Encoder makes torch.float64; expected torch.float32"),
        ("return self.last(self.dropout(features.flatten(1)))", "return self.last(self.dropout(features.flatten(1))).detach()",
         "Encoder has no weights that a gradient reaches"),
        ("return self.last(self.dropout(features.flatten(1)))", "return self.last(self.dropout(features.flatten(1))) / 0",
         "Encoder makes values that are not finite"),
        ("return self.last(self.dropout(features.flatten(1)))", "assert not self.training; return self.last(self.dropout(features.flatten(1)))",
         r"line 17: AssertionError:  \(in Encoder of a batch \(2, 1, 8, 6\) in training\)"),
        ("return self.last(self.dropout(features.flatten(1)))", "raise SystemExit(3)", "line 17: SystemExit: 3"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_line_or_its_shape(recipe: Path, old: str, new: str, message: str) -> None:
    networks = recipe.parent / "networks.py"
    networks.write_text(NETWORKS.replace(old, new, 1))
    with pytest.raises(RecipeError, match=f"networks.py: {message}"):
        build(load_recipe(str(recipe)).recipe, (1, 8, 6))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("        return self.last", "       return self.last", r"line 17: IndentationError"),
        ("class Encoder", "class Other", r"has no class Encoder \(it has Other, Decoder\)"),
        ("my own", "my \udce9 own", r"is not UTF-8 text: save it as UTF-8"),
    ],
)
def test_what_can_be_seen_without_running_it_is_a_problem_of_the_recipe(
    recipe: Path, old: str, new: str, message: str
) -> None:
    networks = recipe.parent / "networks.py"
    networks.write_bytes(NETWORKS.replace(old, new, 1).encode(errors="surrogateescape"))
    with pytest.raises(RecipeError, match=rf"\[model\] network: .*networks.py {message}"):
        load_recipe(str(recipe))


def test_a_byte_order_mark_is_no_code(recipe: Path) -> None:
    (recipe.parent / "networks.py").write_text(NETWORKS, encoding="utf-8-sig")
    assert load_recipe(str(recipe)).recipe.model.code == NETWORKS


def test_a_file_that_is_not_there_and_keys_of_other_networks_are_problems(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"\[model\] hidden: goes only with network"):
        load_recipe(str(recipe), ["model.hidden=[3]"])
    with pytest.raises(RecipeError, match=r"no\.py cannot be read: No such file or directory"):
        load_recipe(str(recipe), ["model.network=no.py:Encoder,Decoder"])
    with pytest.raises(RecipeError, match=r"expected .*\"mlp\", .* or .*, got \"networks\.py\""):
        load_recipe(str(recipe), ["model.network=networks.py"])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14)])
def test_the_networks_of_the_docs_are_made_for_any_images(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    page = (Path(vae_tui.__file__).parent.parent / "docs" / "networks.md").read_text()
    blocks = {kind: page.partition(f"```{kind}\n")[2].partition("```")[0] for kind in ("python", "toml")}
    (tmp_path / "my_networks.py").write_text(blocks["python"])
    (tmp_path / "mine.toml").write_text(blocks["toml"])
    for posterior in ("diagonal", "full", "iaf"):
        vae = build(load_recipe(str(tmp_path / "mine.toml"), [f"model.posterior={posterior}"]).recipe, shape)
        terms = vae(torch.rand(4, *shape), torch.randn(4, 16))
        assert terms.distortion.shape == (4,)


@pytest.mark.slow
def test_it_trains_is_killed_resumed_sampled_evaluated_and_encoded(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    assert cli("train", recipe, "--run", "whole", "--ui", "none", "--set", "train.epochs=400").returncode == 0
    assert cli("train", recipe, "--run", "broken", "--detach", "--set", "train.epochs=400").returncode == 0
    broken, whole = (Run(tmp_path / "checkpoints" / name) for name in ("broken", "whole"))
    shutil.rmtree(recipe.parent)
    while not broken.checkpoints():
        time.sleep(0.01)
    if (trainer := lock_holder(broken.path)) is not None:
        os.kill(trainer, signal.SIGKILL)
    while lock_holder(broken.path) is not None:
        time.sleep(0.01)
    resumed = cli("train", "--resume", "broken", "--ui", "none")
    assert resumed.returncode == 0 or "has finished" in resumed.stderr
    weights, expected = (read_tensors(run.latest().path)[0] for run in (broken, whole))
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
    for command in (
        ["sample", "whole", "--out", "grid.png"],
        ["evaluate", "whole", "--samples", "5", "--ais", "5"],
        ["encode", "whole", "--out", "codes.npz"],
        ["traverse", "whole", "--out", "rows.png"],
    ):
        done = cli(*command)
        assert done.returncode == 0, done.stderr
    assert "networks.py Encoder and Decoder, 3 latents" in cli("evaluate", "whole", "--samples", "2").stdout


@pytest.mark.slow
def test_a_strangers_checkpoint_runs_nothing_unless_it_is_trusted(
    cli: Cli, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = f"\nimport pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    (recipe.parent / "networks.py").write_text(NETWORKS + evil)
    assert cli("train", recipe, "--run", "theirs", "--ui", "none").returncode == 0
    (tmp_path / "ran").unlink()
    checkpoint = Run(tmp_path / "checkpoints" / "theirs").latest().path
    assert load_checkpoint(checkpoint).latent_dim == 3  # whoever trained it has trusted it
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another user's"))
    (tmp_path / "ran").unlink(missing_ok=True)
    for command in (
        ["sample", "theirs", "--out", "grid.png"],
        ["train", "--resume", "theirs", "--set", "train.epochs=4"],
    ):
        done = cli(*command)
        assert done.returncode != 0
        assert "brings code of its own for its networks (networks.py:Encoder,Decoder)" in done.stderr
        assert "vae-tui --trust COMMAND" in done.stderr
    planned = cli("check", "--plan", Run(tmp_path / "checkpoints" / "theirs").recipe_path)
    assert planned.returncode == 2
    assert "brings code of its own" in planned.stderr
    with pytest.raises(CheckpointError, match="is not trusted here"):
        vae_tui.load(checkpoint)
    assert not (tmp_path / "ran").exists()
    assert cli("--trust", "sample", "theirs", "--out", "grid.png").returncode == 0
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    assert cli("--trust", "train", "--resume", "theirs", "--set", "train.epochs=4", "--ui", "none").returncode == 0
    # Trust that was said for one command is not remembered.
    assert cli("sample", "theirs", "--out", "grid.png").returncode != 0


@pytest.mark.slow
def test_a_run_whose_networks_do_not_fit_says_how_to_go_on(cli: Cli, recipe: Path) -> None:
    (recipe.parent / "networks.py").write_text(NETWORKS.replace(".unflatten(1, self.shape)", ""))
    done = cli("train", recipe, "--run", "mine", "--ui", "plain")
    assert done.returncode != 0
    assert "Decoder makes (2, 48) of a batch (2, 3)" in done.stderr
    assert "mend networks.py and train another --run, or first: vae-tui delete mine" in done.stderr


@pytest.mark.slow
def test_a_sweep_keeps_the_code_it_was_made_with(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    networks = recipe.parent / "networks.py"
    shutil.copy(networks, tmp_path / "mine.py")
    arguments = ["sweep", "digits", "--grid", "beta=1,4", "--set", "model.network=mine.py:Encoder,Decoder"]
    arguments += ["--set", "train.epochs=1", "--name", "own", "--ui", "none"]
    assert cli(*arguments).returncode == 0
    (tmp_path / "mine.py").write_text(NETWORKS + "\n# another\n")
    again = cli(*arguments)
    assert again.returncode != 0
    assert "was begun with other settings for model.code" in again.stderr
    several = cli("sweep", "digits", "--grid", 'model.network="mlp","mine.py:Encoder,Decoder"', "--name", "several")
    assert several.returncode == 2
    assert "one's own goes into the recipe, or under [set]" in several.stderr


@pytest.mark.slow
def test_nothing_is_imported_from_a_recipe_that_is_only_checked(recipe: Path) -> None:
    (recipe.parent / "networks.py").write_text(NETWORKS + "raise SystemExit('it was run')\n")
    done = subprocess.run([sys.executable, "-m", "vae_tui", "check", str(recipe)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{recipe}: ok\n")
