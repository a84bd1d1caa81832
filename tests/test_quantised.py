"""Models whose posteriors are codes: trained, gone on with, evaluated, drawn from, walked, encoded and exported."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events
from invoked import invoke, read_npz
from typer.testing import Result

import vae_tui
from vae_tui.errors import RecipeError, RunError, VaeTuiError
from vae_tui.evaluation.elbo import evaluate_elbo
from vae_tui.latent.codes import encode_images
from vae_tui.latent.service import Service
from vae_tui.model import VAE, build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.exported import export_parts
from vae_tui.model.quantised import CodePrior, ScalarQuantiser, VectorQuantiser, perplexity
from vae_tui.recipe import ObjectiveTable, parse
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.training.collapse import Collapse
from vae_tui.walk import messages as ms

FSQ = {"posterior": "fsq", "levels": [4, 3], "latent_dim": 4, "hidden": [16]}
VQ = {"posterior": "vq", "codebook": 6, "code_dim": 2, "latent_dim": 4, "hidden": [16]}


def quantised(model: dict[str, Any]) -> VAE:
    """An untrained VAE of images (1, 8, 6)."""
    return build(parse({"model": model})[0], (1, 8, 6), seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `fsq` and `vq` on 240 images of 8 x 8 in four classes."""
    folder = tmp_path_factory.mktemp("quantised")
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 240)
    images = generator.integers(0, 60, (240, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 190
    np.savez(folder / "bars.npz", images=images, labels=labels)
    recipe = folder / "bars.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{folder / "bars.npz"}"\ntest = 0.3\n[model]\nhidden = [32]\nlatent_dim = 4\n'
        "[train]\nepochs = 30\nbatch_size = 20\nthreads = 1\n[optimizer]\nlr = 3e-3\n"
    )
    for name, overrides in (
        ("fsq", ["model.posterior=fsq", "model.levels=[4, 3]"]),
        ("vq", ["model.posterior=vq", "model.codebook=8", "model.code_dim=2"]),
    ):
        for _ in vae_tui.train(recipe, overrides, name=name, runs_dir=folder / "runs"):
            pass
    return folder


@pytest.fixture
def draw(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in an empty folder, with those runs as its runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(folder / "runs"))
    return invoke


@pytest.fixture(params=["fsq", "vq"])
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    return request.param


def test_levels_that_are_all_as_frequent_have_mean_0_and_variance_1() -> None:
    quantiser = ScalarQuantiser(2, [5, 8])
    for dimension, count in enumerate((5, 8)):
        symbols = torch.zeros(count, 2, dtype=torch.int64)
        symbols[:, dimension] = torch.arange(count)
        values = quantiser.latents(symbols)[:, dimension]
        assert float(values.mean()) == pytest.approx(0, abs=1e-6)
        assert float(values.var(correction=0)) == pytest.approx(1, abs=1e-5)
    assert quantiser.code_count == 40


def test_a_dimension_is_rounded_to_the_level_that_tanh_brings_it_nearest_to() -> None:
    quantiser = ScalarQuantiser(2, [5, 2])
    parameters = torch.tensor([[-9.0, -0.1], [math.atanh(0.5), 0.1], [math.atanh(0.8), 9.0]], requires_grad=True)
    latent = quantiser.draw(parameters, torch.zeros(3, 2)).latent
    assert quantiser.symbols(latent).tolist() == [[0, 0], [3, 1], [4, 1]]
    torch.testing.assert_close(quantiser.latents(quantiser.symbols(latent)), latent.detach())
    latent.sum().backward()
    assert parameters.grad is not None
    assert bool((parameters.grad[1] > 0.1).all()), "gradients go through the rounding"
    assert quantiser.codes(latent).tolist() == [[0], [3 + 5], [4 + 5]]


def test_a_codebook_s_vectors_are_those_of_its_numbers() -> None:
    for quantiser in (ScalarQuantiser(3, [4, 3, 2]), VectorQuantiser(6, 5, 3, 0.25)):
        if isinstance(quantiser, VectorQuantiser):
            quantiser.start(torch.Generator().manual_seed(0))
        vectors = quantiser.vectors()
        assert len(vectors) == quantiser.code_count
        repeated = vectors.repeat(1, quantiser.size // vectors.shape[1])
        assert quantiser.codes(repeated)[:, 0].tolist() == list(range(len(vectors)))


def test_vectors_are_put_at_the_nearest_code_and_pull_the_encoder_towards_it() -> None:
    quantiser = VectorQuantiser(4, 2, 2, commitment=0.5).eval()
    quantiser.codebook.copy_(torch.tensor([[0.0, 0.0], [2.0, 2.0]]))
    parameters = torch.tensor([[0.5, 0.0, 2.0, 1.0]], requires_grad=True)
    draw = quantiser.draw(parameters, torch.zeros(1, 4))
    assert draw.latent.tolist() == [[0, 0, 2, 2]]
    assert draw.penalty is not None
    assert draw.penalty.tolist() == [0.5 * (0.25 + 1)]
    (gradient,) = torch.autograd.grad(draw.penalty.sum(), parameters)
    torch.testing.assert_close(gradient, torch.tensor([[0.5, 0.0, 0.0, -1.0]]))


def test_the_codebook_comes_to_the_middle_of_what_each_code_stands_for() -> None:
    quantiser = VectorQuantiser(2, 3, 2, 0.25).train()
    quantiser.start(torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    middles = torch.tensor([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])
    for _ in range(600):
        chosen = torch.randint(3, (60,), generator=generator)
        quantiser.draw(middles[chosen] + 0.1 * torch.randn(60, 2, generator=generator), torch.zeros(60, 2))
    found = quantiser.codebook[quantiser.codebook[:, 0].argsort()]
    torch.testing.assert_close(found, middles[[0, 2, 1]], atol=0.1, rtol=0)


def test_a_code_that_nothing_is_near_is_put_where_it_is_wanted() -> None:
    quantiser = VectorQuantiser(2, 4, 2, 0.25).train()
    quantiser.codebook.fill_(1000.0)
    quantiser.draw(torch.randn(50, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(50, 2))
    assert float(quantiser.codebook.abs().max()) < 5


@pytest.mark.parametrize("model", [FSQ, VQ], ids=["fsq", "vq"])
def test_the_rate_is_what_the_prior_says_of_the_codes(model: dict[str, Any]) -> None:
    vae = quantised(model).eval()
    assert isinstance(vae.prior, CodePrior)
    images = torch.rand(7, 1, 8, 6)
    uniform = vae(images, torch.zeros(7, 4)).rate_per_dimension.sum(1)
    expected = 2 * math.log(4 * 3) if model is FSQ else 2 * math.log(6)
    torch.testing.assert_close(uniform, torch.full((7,), expected))
    torch.nn.init.normal_(vae.prior.logits, generator=torch.Generator().manual_seed(0))
    terms = vae(images, torch.zeros(7, 4))
    symbols = vae.posterior.symbols(terms.latent)
    log_probabilities = [
        vae.prior.logits[place, :count].log_softmax(0).detach()
        for place, count in enumerate(vae.posterior.symbol_counts)
    ]
    by_hand = [
        -sum(float(log_probabilities[place][symbol]) for place, symbol in enumerate(row)) for row in symbols.tolist()
    ]
    torch.testing.assert_close(terms.rate_per_dimension.sum(1), torch.tensor(by_hand))


@pytest.mark.parametrize("model", [FSQ, VQ], ids=["fsq", "vq"])
def test_draws_of_the_prior_are_as_frequent_as_it_says(model: dict[str, Any]) -> None:
    vae = quantised(model).eval()
    torch.nn.init.normal_(vae.prior.logits, generator=torch.Generator().manual_seed(0))
    drawn = vae.posterior.symbols(vae.prior.draw(20_000, torch.Generator().manual_seed(1)))
    for place, count in enumerate(vae.posterior.symbol_counts):
        shares = torch.bincount(drawn[:, place], minlength=count) / 20_000
        torch.testing.assert_close(shares, vae.prior.logits[place, :count].softmax(0).detach(), atol=0.02, rtol=0)
    cold = vae.posterior.symbols(vae.prior.draw(5, torch.Generator(), temperature=0.0))
    assert cold.tolist() == 5 * [
        [int(row[:count].argmax()) for row, count in zip(vae.prior.logits, vae.posterior.symbol_counts, strict=True)]
    ]


def test_perplexity_is_how_many_codes_would_do() -> None:
    assert perplexity(torch.tensor([5, 5, 5, 5, 0])) == pytest.approx(4)
    assert perplexity(torch.tensor([20, 0])) == pytest.approx(1)
    assert perplexity(torch.tensor([3, 1])) == pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)))


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        (
            {"model": {"posterior": "fsq", "latent_dim": 10}},
            r"latent_dim: expected a multiple of the number of levels \(4\)",
        ),
        ({"model": {"posterior": "vq", "code_dim": 3}}, r"latent_dim: expected a multiple of code_dim \(3\), got 20"),
        ({"model": {"posterior": "vq"}, "prior": {"name": "normal"}}, 'has a prior over its codes: "codes"'),
        ({"prior": {"name": "codes"}}, '"codes" is the prior of a quantised posterior'),
        ({"model": {"posterior": "fsq"}, "objective": {"name": "iwae"}}, "needs the posterior's density anywhere"),
        ({"model": {"posterior": "fsq"}, "objective": {"name": "mmd"}}, r"holds the codes to N\(0, I\)"),
        ({"model": {"codebook": 16}}, 'codebook: goes only with posterior = "vq"'),
    ],
)
def test_what_does_not_go_with_codes_is_refused(tables: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse(tables)


def test_a_quantised_posterior_brings_its_prior() -> None:
    recipe, _ = parse({"model": {"posterior": "vq"}})
    assert recipe.prior.name == "codes"
    assert parse(recipe.document())[0] == recipe


@pytest.mark.parametrize("model", [FSQ, VQ], ids=["fsq", "vq"])
def test_a_quantised_run_goes_on_bit_for_bit(
    make_run: MakeRun, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)
    overrides = [f"model.{key}={value}" for key, value in model.items()]
    whole, other = make_run(*overrides, name="whole"), make_run(*overrides, "train.epochs=2", name="parted")
    list(train_events(whole))
    list(train_events(other))
    list(train_events(other, resume=True, overrides=["train.epochs=3"]))
    mine, its = (load_checkpoint(run.latest().path).state_dict() for run in (whole, other))
    assert all(torch.equal(mine[key], its[key]) for key in mine)


def test_a_codebook_is_not_shared_by_several_devices(make_run: MakeRun) -> None:
    run = make_run(*[f"model.{key}={value}" for key, value in VQ.items()])
    with pytest.raises(RunError, match=r'\[model\] posterior = "vq" looks at whole batches'):
        list(train_events(run, devices=2))


def test_evaluation_says_how_many_codes_are_used(draw: Callable[..., Result], name: str) -> None:
    found = json.loads(draw("evaluate", name, "--json", "--samples", "3").stdout)
    assert found["nll"] == pytest.approx(-found["elbo"], abs=1e-3)
    assert found["codes_count"] == (12 if name == "fsq" else 8)
    assert 1 < found["codes_perplexity"] <= found["codes_used"] <= found["codes_count"]
    table = draw("evaluate", name, "--samples", "3").stdout
    assert "codes used" in table
    assert "NLL is -ELBO" in " ".join(table.split())
    with pytest.raises(VaeTuiError, match="--ais goes from noise to noise"):
        draw("evaluate", name, "--ais", "10")


def test_training_logs_how_many_codes_are_used(folder: Path, name: str) -> None:
    run = Run(folder / "runs" / name)
    epochs = [json.loads(line) for line in run.events_path.read_text().splitlines() if '"epoch_completed"' in line]
    used = [epoch["validation"]["codes_used"] for epoch in epochs]
    assert all(1 <= count <= 12 for count in used)
    assert used[-1] > 1.5
    vae = load_checkpoint(run.latest().path)
    pixels = torch.randint(0, 256, (9, 1, 8, 8), dtype=torch.uint8)
    found = evaluate_elbo(vae, pixels, seed=0)
    codes = vae.posterior.codes(vae.encode(pixels / 255)[0])
    assert found.code_perplexity == pytest.approx(perplexity(torch.bincount(codes.flatten())))


def test_a_codebook_of_which_next_to_nothing_is_used_has_collapsed() -> None:
    collapse = Collapse(ObjectiveTable(), 512)
    assert collapse.look(1, 500, [1.0], {"codes_used": 2.0}) is None, "it is early"
    assert collapse.look(2, 1000, [1.0], {"codes_used": 100.0}) is None
    note = collapse.look(3, 1500, [1.0], {"codes_used": 3.0})
    assert note is not None
    assert note.startswith("codebook collapse: 3.0 of 512 codes are used")
    assert collapse.collapsed
    assert collapse.look(4, 2000, [1.0], {"codes_used": 3.0}) is None, "it is known"
    assert "codebook collapse is over" in str(collapse.look(5, 2500, [1.0], {"codes_used": 200.0}))
    assert not collapse.collapsed


def test_pictures_are_of_codes_wherever_one_points(draw: Callable[..., Result], folder: Path, name: str) -> None:
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / name)).path)
    code = vae.posterior.latents(vae.posterior.symbols(torch.randn(1, 4)))
    torch.testing.assert_close(vae.decode(code + 1e-3), vae.decode(code))
    for command in ("sample", "reconstruct", "traverse", "manifold", "interpolate", "project", "evolve"):
        assert draw(command, name, "--out", "all.npz").exit_code == 0, command
    draw("sample", name, "--temperature", "0", "--out", "cold.npz")
    images = read_npz("cold.npz")["images"]
    assert (images == images[0]).all(), "at temperature 0 all are of the most frequent codes"


def test_codes_are_written_by_encode(draw: Callable[..., Result], folder: Path, name: str) -> None:
    draw("encode", name, "--out", "codes.npz")
    arrays = read_npz("codes.npz")
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / name)).path)
    expected = vae.posterior.codes(torch.from_numpy(arrays["mean"]))
    assert arrays["codes"].tolist() == expected.tolist()
    draw("encode", name, "--out", "codes.csv")
    assert "code_0,code_1,mean_0" in Path("codes.csv").read_text().partition("\n")[0]


def test_both_parts_are_exported(folder: Path, name: str) -> None:
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / name)).path)
    for kind in ("pt2", "onnx"):
        assert all(part.error < 1e-4 for part in export_parts(vae, kind))


def test_a_walk_gets_the_codebook(folder: Path, name: str) -> None:
    path = best_checkpoint(Run(folder / "runs" / name)).path
    service = Service(io.BytesIO(), None)
    opened = service._reply(1, ms.OpenCheckpoint(path))
    assert isinstance(opened, ms.CheckpointOpened)
    assert opened.codebook is not None
    assert opened.codebook.shape == ((12, 2) if name == "fsq" else (8, 2))
    pixels = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    codes = encode_images(load_checkpoint(path), pixels)[0].reshape(-1, 2)
    distances = np.abs(codes[:, None] - opened.codebook).sum(2).min(1)
    assert distances.max() < 1e-5, "each code of an image is one of the codebook"
