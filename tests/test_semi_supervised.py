"""The M2 objective: a conditional model of images of which few have a class."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events
from invoked import invoke
from torch.nn import functional

import vae_tui
from vae_tui.data import PackedImages, hide_labels
from vae_tui.errors import DataError, RecipeError
from vae_tui.evaluation.elbo import evaluate_elbo
from vae_tui.model import VAE, build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.exported import export_parts
from vae_tui.model.pytorch_file import write_pytorch
from vae_tui.objective import build_objective
from vae_tui.recipe import parse
from vae_tui.runs.layout import Run

M2: dict[str, Any] = {"model": {"condition": "label", "hidden": [16], "latent_dim": 3}, "objective": {"name": "m2"}}


def untrained() -> VAE:
    """A VAE of images (1, 8, 8) in four classes, with its classifier."""
    return build(parse(M2)[0], (1, 8, 8), class_count=4, seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run `few` on 400 images of 8 x 8 in four classes, of which 12 keep their class."""
    folder = tmp_path_factory.mktemp("few")
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 400)
    images = generator.integers(0, 60, (400, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 190
    np.savez(folder / "bars.npz", images=images, labels=np.array(["a", "b", "c", "d"])[labels])
    recipe = folder / "bars.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{folder / "bars.npz"}"\ntest = 0.3\nlabelled = 12\n[model]\ncondition = "label"\n'
        'hidden = [32]\nlatent_dim = 2\n[objective]\nname = "m2"\n[train]\nepochs = 25\nbatch_size = 20\nthreads = 1\n'
        "[optimizer]\nlr = 3e-3\n"
    )
    for _ in vae_tui.train(recipe, name="few", runs_dir=folder / "runs"):
        pass
    return folder


def test_the_loss_is_that_of_the_paper() -> None:
    recipe = parse(M2)[0]
    vae = untrained()
    images, epsilon = torch.rand(4, 1, 8, 8), torch.randn(4, 3)
    labels = torch.tensor([2, -1, 0, -1])
    assert vae.classifier is not None
    logits = vae.classifier(images)
    shares = logits.softmax(1)
    expected = torch.zeros(())
    for row in range(4):
        by_class = []
        for label in range(4):
            parameters = vae.encoder(images[row : row + 1], vae.one_hot(torch.tensor([label])))  # type: ignore[misc]
            mean, log_variance = parameters.chunk(2, 1)
            latent = mean + torch.exp(0.5 * log_variance) * epsilon[row]
            output = vae.decoder(latent, vae.one_hot(torch.tensor([label])))  # type: ignore[misc]
            distortion = functional.binary_cross_entropy_with_logits(output, images[row : row + 1], reduction="sum")
            rate = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
            by_class.append(distortion + rate + math.log(4))
        label = int(labels[row])
        if label >= 0:
            expected = expected + by_class[label] + 0.1 / 0.5 * functional.cross_entropy(logits[row], labels[row])
        else:
            entropy = -(shares[row] * shares[row].log()).sum()
            expected = expected + (shares[row] * torch.stack(by_class)).sum() - entropy
    objective = build_objective(recipe.objective, latent_dim=3, image_count=100)
    inputs = {"labels": labels, "labelled_share": torch.tensor(0.5), "beta": torch.tensor(1.0)}
    terms = vae(images, epsilon, labels)
    torch.testing.assert_close(objective.loss(terms, inputs), expected)
    objective.loss(terms, inputs).backward()
    assert all(parameter.grad is not None for parameter in vae.parameters() if parameter.requires_grad)
    assert terms.rate_per_dimension.shape == (4, 4), "what the class costs is a part of the rate"
    torch.testing.assert_close(terms.rate_per_dimension[0, 3], torch.tensor(math.log(4)))


def test_as_many_of_each_class_keep_theirs() -> None:
    labels = torch.randint(0, 5, (1000,), generator=torch.Generator().manual_seed(0))
    images = PackedImages(torch.zeros(1000, 1, 1, 1, dtype=torch.uint8), labels)
    hidden = hide_labels(images, 20, seed=3)
    assert hidden.labels is not None
    kept = hidden.labels >= 0
    assert torch.bincount(hidden.labels[kept]).tolist() == [4] * 5
    assert torch.equal(hidden.labels[kept], labels[kept])
    again, other = hide_labels(images, 20, seed=3), hide_labels(images, 20, seed=4)
    assert again.labels is not None
    assert other.labels is not None
    assert torch.equal(hidden.labels, again.labels)
    assert not torch.equal(hidden.labels, other.labels)
    assert hide_labels(images, None, seed=3) is images
    with pytest.raises(DataError, match=r"labelled: expected 5 \(one of each class\) to 1,000, got 4"):
        hide_labels(images, 4, seed=3)


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"objective": {"name": "m2"}}, '"m2" is for a conditional model'),
        ({**M2, "model": {"condition": "label", "label_dropout": 0.2}}, "does not go with label_dropout = 0.2"),
        ({"data": {"labelled": 100}}, r"\[data\] labelled: classes are looked at by a conditional model alone"),
    ],
)
def test_what_does_not_go_with_it_is_refused(tables: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse(tables)


def test_twelve_labels_are_enough_for_bars(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(folder / "runs"))
    found = json.loads(invoke("evaluate", "few", "--json", "--samples", "20").stdout)
    assert found["accuracy"] > 0.95
    # p(x) is the mean of p(x|y) over four classes, of which one alone has made the image: about log 4 apart.
    assert found["nll_without_class"] == pytest.approx(found["nll"] + math.log(4), abs=0.5)
    assert "classified right" in invoke("evaluate", "few", "--samples", "5").stdout
    vae = load_checkpoint(Run(folder / "runs" / "few").latest().path)
    pixels = torch.zeros(4, 1, 8, 8)
    for label in range(4):
        pixels[label, 0, 2 * label : 2 * label + 2] = 0.9
    assert vae.guess(pixels).tolist() == [0, 1, 2, 3]
    asked = torch.arange(400) % 4
    rows = vae.sample(400, labels=asked)[:, 0].mean(2)
    assert float((rows.argmax(1) // 2 == asked).float().mean()) > 0.5, "samples are of the class that was asked for"
    torch.testing.assert_close(vae.reconstruct(pixels), vae.reconstruct(pixels, torch.arange(4)))
    blind, given = (
        evaluate_elbo(vae, (pixels * 255).to(torch.uint8), labels=labels, seed=0) for labels in (None, torch.arange(4))
    )
    assert blind.elbo == pytest.approx(given.elbo, abs=0.3)
    assert len(given.rate_per_dimension) == 2, "the class is no latent dimension"
    assert given.class_rate > 1, "to be sure of one of four takes log 4"
    assert given.rate == pytest.approx(sum(given.rate_per_dimension) + given.class_rate)
    log = Run(folder / "runs" / "few").events_path.read_text().splitlines()
    epochs = [json.loads(line) for line in log if '"epoch_completed"' in line]
    assert {len(epoch["rate_per_dimension"]) for epoch in epochs} == {2}


def test_it_goes_on_bit_for_bit(make_run: MakeRun, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)
    overrides = ["model.condition=label", "objective.name=m2", "data.labelled=8", f"data.root={folder / 'bars.npz'}"]
    whole, other = make_run(*overrides, name="whole"), make_run(*overrides, "train.epochs=2", name="parted")
    list(train_events(whole))
    list(train_events(other))
    list(train_events(other, resume=True, overrides=["train.epochs=3"]))
    mine, its = (load_checkpoint(run.latest().path).state_dict() for run in (whole, other))
    assert any(name.startswith("classifier.") for name in mine)
    assert all(torch.equal(mine[name], its[name]) for name in mine)


def test_few_labels_go_with_any_conditional_model(make_run: MakeRun, folder: Path) -> None:
    run = make_run(
        "model.condition=label",
        "model.label_dropout=0",
        "data.labelled=8",
        f"data.root={folder / 'bars.npz'}",
        "train.epochs=1",
    )
    assert list(train_events(run))[-1].status == "completed"  # type: ignore[attr-defined]
    assert load_checkpoint(run.latest().path).knows_no_label, "it has seen images without a class"


def test_it_is_exported_with_its_labels() -> None:
    vae = untrained().eval()
    assert [part.error < 1e-4 for kind in ("pt2", "onnx") for part in export_parts(vae, kind)] == [True] * 4
    assert write_pytorch(vae, "few").error < 1e-4
