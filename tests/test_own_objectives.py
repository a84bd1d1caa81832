"""Objectives and likelihoods of one's own, and networks out of a notebook: files that become part of the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import Cli
from torch import nn
from torch.distributions import StudentT

import vae_tui
from vae_tui.errors import CheckpointError, RecipeError
from vae_tui.events import EpochCompleted
from vae_tui.model import build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.objective import build_objective
from vae_tui.recipe import load_recipe
from vae_tui.runs.layout import Run

LIKELIHOOD = """
import torch
from torch import nn
from torch.distributions import StudentT


class Student(nn.Module):
    outputs = 1

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(-2.0))

    def distortion(self, output, images):
        density = StudentT(5.0, torch.sigmoid(output), self.log_scale.exp())
        return -density.log_prob(images).sum((1, 2, 3))

    def mean(self, output):
        return torch.sigmoid(output)
"""
OBJECTIVE = '''
from vae_tui.objective import Objective


class Balanced(Objective):
    """Distortion, and the rate squared."""

    def loss(self, terms, inputs):
        rate = terms.rate_per_dimension.sum(1)
        return (terms.distortion + inputs["beta"] * rate.square()).sum()
'''


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trusted yet, and the user's own folder is left alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VAE_TUI_TRUST", raising=False)


@pytest.fixture
def recipe(images_path: Path) -> Path:
    """A recipe with both, in files beside it."""
    folder = images_path.parent / "mine"
    folder.mkdir()
    (folder / "student.py").write_text(LIKELIHOOD)
    (folder / "balanced.py").write_text(OBJECTIVE)
    path = folder / "own.toml"
    path.write_text(
        f'[data]\nname = "npz"\nroot = "{images_path}"\n[model]\nhidden = [16]\nlatent_dim = 3\n'
        '[likelihood]\nname = "student.py:Student"\n[objective]\nname = "balanced.py:Balanced"\nbeta = 0.5\n'
        "[train]\nepochs = 3\nbatch_size = 20\nthreads = 1\n[sample]\ncount = 4\n"
    )
    return path


def test_both_files_become_part_of_the_recipe(recipe: Path) -> None:
    loaded = load_recipe(str(recipe))
    assert loaded.has_own_file
    assert loaded.recipe.own == {
        "likelihood.name": ("student.py:Student", LIKELIHOOD),
        "objective.name": ("balanced.py:Balanced", OBJECTIVE),
    }
    again = recipe.with_name("recipe.toml")
    again.write_text(loaded.recipe.to_toml())
    (recipe.parent / "student.py").unlink()
    assert load_recipe(str(again)).recipe == loaded.recipe
    assert not load_recipe(str(again)).has_own_file


def test_what_is_minimised_is_what_they_say(recipe: Path) -> None:
    loaded = load_recipe(str(recipe)).recipe
    vae = build(loaded, (1, 8, 6), seed=1)
    images = torch.rand(5, 1, 8, 6)
    terms = vae(images, torch.randn(5, 3))
    density = StudentT(5.0, vae.decode(terms.latent), vae.likelihood.log_scale.exp())
    torch.testing.assert_close(terms.distortion, -density.log_prob(images).sum((1, 2, 3)))
    objective = build_objective(loaded.objective, latent_dim=3, image_count=100)
    expected = (terms.distortion + 0.5 * terms.rate_per_dimension.sum(1).square()).sum()
    torch.testing.assert_close(objective.loss(terms, {"beta": torch.tensor(objective.weights(9.0)["beta"])}), expected)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("student.py", ".sum((1, 2, 3))", ".sum()", r"Student.distortion makes \(\) of a batch \(2, 1, 4, 4\); expected \(2,\)"),
        ("student.py", "outputs = 1", "outputs = 0", r"Student.outputs is 0; expected how many numbers it needs"),
        ("student.py", "return torch.sigmoid(output)", "return output + 3", r"Student.mean makes values outside \[0, 1\]"),
        ("student.py", "    def mean(self, output):", "    def means(self, output):", "Student has no method mean"),
        ("student.py", "class Student(nn.Module)", "class Student", "has no class Student that is a torch.nn.Module"),
        ("student.py", "(images).sum", "(image).sum", r"line 16: NameError: name 'image' is not defined \(in Student.distortion\)"),
        ("student.py", "return -density", "return -density.__class__(5.0, output.detach(), 1.0)", "has no gradient"),
        ("balanced.py", "class Balanced(Objective)", "class Balanced", "has no class Balanced that is a vae_tui.objective.Objective"),
        ("balanced.py", ".square()).sum()", ".square())", r"Balanced.loss makes a tensor \(2,\); expected one number \(\)"),
        ("balanced.py", 'inputs["beta"]', 'inputs["gamma"]', r"line 10: KeyError: 'gamma' \(in Balanced.loss of a batch of 2\)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_them_is_said_before_a_step(
    recipe: Path, file: str, old: str, new: str, message: str
) -> None:
    path = recipe.parent / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    loaded = load_recipe(str(recipe)).recipe
    with pytest.raises(RecipeError, match=message):
        [build(loaded, (1, 8, 6)), build_objective(loaded.objective, latent_dim=3, image_count=10)]


def test_files_that_are_not_there_or_no_class_are_named(recipe: Path) -> None:
    recipe.write_text(recipe.read_text().replace("student.py:Student", "student.py:Studnet"))
    with pytest.raises(RecipeError, match=r"\[likelihood\] name: .*student.py has no class Studnet \(it has Student\)"):
        load_recipe(str(recipe))
    recipe.write_text(recipe.read_text().replace("balanced.py:Balanced", "gone.py:Balanced"))
    with pytest.raises(RecipeError, match=r"\[objective\] name: .*gone.py cannot be read: No such file"):
        load_recipe(str(recipe))
    with pytest.raises(RecipeError, match=r'expected "elbo", .* or "FILE.py:CLASS", got "elbow"; did you mean "elbo"'):
        load_recipe("digits", ["objective.name=elbow"])


@pytest.mark.slow
def test_they_go_the_whole_round(cli: Cli, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("train", recipe, "--run", "whole", "--ui", "none").returncode == 0
    assert cli("train", recipe, "--run", "parted", "--set", "train.epochs=2", "--ui", "none").returncode == 0
    assert cli("train", "--resume", "parted", "--set", "train.epochs=3", "--ui", "none").returncode == 0
    whole, parted = (
        load_checkpoint(Run(tmp_path / "checkpoints" / name).latest().path).state_dict() for name in ("whole", "parted")
    )
    assert all(torch.equal(whole[key], parted[key]) for key in whole)
    for command in (["evaluate", "whole", "--samples", "2"], ["sample", "whole", "--out", "grid.png"]):
        done = cli(*command)
        assert done.returncode == 0, done.stderr
    refused = cli("evaluate", "whole", "--ais", "2")
    assert refused.returncode == 2
    assert "student.py:Student has no method draw" in refused.stderr
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another user's"))
    with pytest.raises(CheckpointError, match=r"code of its own for its likelihood \(student.py:Student\)"):
        vae_tui.load(Run(tmp_path / "checkpoints" / "whole").latest().path)


class Encoder(nn.Module):
    def __init__(self, image_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(image_shape[0] * image_shape[1] * image_shape[2], outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layer(images.flatten(1))
        return found


class Decoder(nn.Module):
    def __init__(self, latent_dim: int, image_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.shape = (outputs * channels, height, width)
        self.layer = nn.Linear(latent_dim, outputs * channels * height * width)

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return self.layer(latent).view(-1, *self.shape)


NOTEBOOK = """
import vae_tui
from torch import nn

class MyEncoder(nn.Module):
    def __init__(self, image_shape, outputs):
        super().__init__()
        self.layer = nn.Linear(image_shape[1] * image_shape[2], outputs)

    def forward(self, images):
        return self.layer(images.flatten(1))

class MyDecoder(nn.Module):
    def __init__(self, latent_dim, image_shape, outputs):
        super().__init__()
        self.layer = nn.Linear(latent_dim, outputs * image_shape[1] * image_shape[2])
        self.shape = (outputs, *image_shape[1:])

    def forward(self, latent):
        return self.layer(latent).view(-1, *self.shape)

for event in vae_tui.train("digits", ["train.epochs=1", "model.latent_dim=3"], network=(MyEncoder, MyDecoder), name="nb"):
    pass
print(vae_tui.load("nb").network_name)
"""


@pytest.mark.slow
def test_classes_of_a_notebook_are_networks(tmp_path: Path) -> None:
    script = tmp_path / "notebook_cells.py"
    script.write_text(NOTEBOOK)
    ran = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "notebook.py MyEncoder and MyDecoder, 3 latents"
    code = load_recipe(str(tmp_path / "checkpoints" / "nb" / "recipe.toml")).recipe.model.code
    assert code is not None
    assert "vae_tui.train" not in code, "the cells that train are not part of it"


@pytest.mark.slow
def test_classes_of_a_module_bring_all_of_it(recipe: Path, tmp_path: Path) -> None:
    plain = ["likelihood.name=bernoulli", "objective.name=elbo", "train.epochs=1"]
    events = list(vae_tui.train(recipe, plain, network=(Encoder, Decoder), name="module", runs_dir=tmp_path / "runs"))
    assert any(isinstance(event, EpochCompleted) for event in events)
    assert load_checkpoint(Run(tmp_path / "runs" / "module").latest().path).network_name.startswith(
        "test_own_objectives.py"
    )


def test_classes_without_source_are_refused(tmp_path: Path) -> None:
    made = type("Made", (nn.Module,), {"__module__": "__main__"})
    with pytest.raises(
        RecipeError, match=r"the source of Made and Decoder is not to be found .*: write them to a file"
    ):
        next(vae_tui.train("digits", network=(made, Decoder), runs_dir=tmp_path))
