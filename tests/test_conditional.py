"""Models that are given each image's class: trained, gone on with, evaluated, drawn from, walked and exported as of a class."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import MakeRun, train_events
from invoked import invoke, read_npz
from PIL import Image
from torch import nn
from torch.distributions import Normal
from typer.testing import Result

import vae_tui
from vae_tui.errors import DataError, RecipeError, VaeTuiError
from vae_tui.evaluation.elbo import evaluate_elbo
from vae_tui.imaging.grid import decode_png
from vae_tui.latent.codes import encode_images
from vae_tui.latent.density import log_class_density, log_prior_density
from vae_tui.latent.grids import decode_points
from vae_tui.latent.service import Service
from vae_tui.latent.sources import load_sets_of
from vae_tui.model import VAE, build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.exported import export_parts
from vae_tui.recipe import parse
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.training.trainer import Trainer
from vae_tui.walk import messages as ms
from vae_tui.walk.paths import pass_through
from vae_tui.walk.recorded import RecordedWalk, write_walk
from vae_tui.walk.shares import describe_shares, share_of

NAMES = ("bottom", "lower", "top", "upper")
ROWS = {"top": 0, "upper": 2, "lower": 4, "bottom": 6}
"""Where the bright rows of a class begin."""
OWN = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self, image_shape, outputs, classes):
        super().__init__()
        self.layer = nn.Linear(64 + classes, outputs)

    def forward(self, images, codes):
        return self.layer(torch.cat((images.flatten(1), codes), 1))

class Decoder(nn.Module):
    def __init__(self, latent_dim, image_shape, outputs, classes):
        super().__init__()
        self.layer = nn.Linear(latent_dim + classes, outputs * 64)

    def forward(self, latent, codes):
        return self.layer(torch.cat((latent, codes), 1)).view(-1, 1, 8, 8)
"""


def conditional(model: dict[str, Any] | None = None, **tables: Any) -> VAE:
    """A VAE of 4 classes of images (1, 8, 8), untrained."""
    table = {"condition": "label", "hidden": [16], "latent_dim": 3, **(model or {})}
    if table.get("network", "mlp") not in ("mlp", "gated"):
        del table["hidden"]
    return build(parse({"model": table, **tables})[0], (1, 8, 8), class_count=4, seed=1).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on 240 images of 8 x 8, of which two rows are bright, by class: `given`, and `always`, which knows no image without one."""
    folder = tmp_path_factory.mktemp("conditional")
    generator = np.random.default_rng(0)
    labels = np.array(list(ROWS))[generator.integers(0, 4, 240)]
    images = generator.integers(0, 60, (240, 8, 8), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[ROWS[label] : ROWS[label] + 2] += 190
    np.savez(folder / "bars.npz", images=images, labels=labels)
    recipe = folder / "bars.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{folder / "bars.npz"}"\ntest = 0.3\n[model]\ncondition = "label"\nhidden = [32]\n'
        "latent_dim = 2\n[train]\nepochs = 40\nbatch_size = 20\nthreads = 1\n[optimizer]\nlr = 3e-3\n"
    )
    for name, override in (("given", "model.label_dropout=0.2"), ("always", "model.label_dropout=0")):
        for _ in vae_tui.train(recipe, [override], name=name, runs_dir=folder / "runs"):
            pass
    return folder


@pytest.fixture
def draw(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in an empty folder, with those runs as its runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(folder / "runs"))
    return invoke


def class_of(image: np.ndarray[Any, Any]) -> str:
    """The class whose rows are brightest in a picture (H, W, C)."""
    return max(ROWS, key=lambda name: float(image[ROWS[name] : ROWS[name] + 2].mean()))


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"network": "gated"},
        {"network": "conv", "channels": [4, 4], "dense": [8]},
        {"network": "resnet", "channels": [4, 4]},
        {"network": "own.py:Encoder,Decoder", "code": OWN},
    ],
    ids=lambda model: model.get("network", "mlp"),
)
def test_every_network_looks_at_the_class_on_both_sides(model: dict[str, Any]) -> None:
    vae = conditional(model)
    images, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 3, -1])
    latent = torch.zeros(4, 3)
    codes, decoded = vae.encode(images[:1].expand(4, -1, -1, -1), labels)[0], vae.decode(latent, labels)
    assert decoded.shape == (4, 1, 8, 8)
    for found in (codes, decoded):
        assert all(not torch.equal(found[one], found[other]) for one in range(4) for other in range(one))
    terms = vae(images, torch.randn(4, 3), labels)
    (terms.distortion.sum() + terms.rate_per_dimension.sum()).backward()
    assert all(parameter.grad is not None for parameter in vae.parameters() if parameter.requires_grad)


def test_without_labels_the_model_s_own_label_goes_for_all() -> None:
    knowing, needing = conditional(), conditional({"label_dropout": 0.0})
    latent = torch.randn(5, 3)
    assert knowing.knows_no_label
    torch.testing.assert_close(knowing.decode(latent), knowing.decode(latent, torch.full((5,), -1)))
    assert not needing.knows_no_label
    torch.testing.assert_close(needing.decode(latent), needing.decode(latent, torch.zeros(5, dtype=torch.int64)))
    needing.label = 2
    torch.testing.assert_close(needing.decode(latent), needing.decode(latent, torch.full((5,), 2)))


def test_a_plain_model_looks_at_no_labels() -> None:
    vae = build(parse({"model": {"hidden": [16]}})[0], (1, 8, 8), class_count=4).eval()
    images = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(vae.reconstruct(images, torch.tensor([0, 1, 2])), vae.reconstruct(images))


def test_each_class_has_a_gaussian_of_its_own_as_prior() -> None:
    vae = conditional(prior={"name": "class"})
    with torch.no_grad():
        vae.prior.means.copy_(torch.randn(5, 3))
        vae.prior.log_variances.copy_(torch.randn(5, 3))
    labels, latent = torch.tensor([2, -1, 0]), torch.randn(3, 7, 3)
    expected = Normal(vae.prior.means[[2, 4, 0]][:, None], torch.exp(0.5 * vae.prior.log_variances[[2, 4, 0]])[:, None])
    torch.testing.assert_close(vae.prior_given(labels, 3).log_density(latent), expected.log_prob(latent))
    drawn = vae.prior_given(torch.full((20000,), 2), 20000).draw(20000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean(0), vae.prior.means[2].detach(), atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.std(0), torch.exp(0.5 * vae.prior.log_variances[2]).detach(), rtol=0.03, atol=0)
    rates = vae(torch.rand(3, 1, 8, 8), torch.zeros(3, 3), labels)
    density = expected.log_prob(rates.latent[:, None])[:, 0]
    torch.testing.assert_close(rates.rate_per_dimension, rates.log_density - density)


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"prior": {"name": "class"}}, r'\[prior\] name: "class" has a Gaussian for each class'),
        ({"model": {"condition": "label"}, "prior": {"name": "vamp"}}, "pseudo-images without a class"),
        (
            {"model": {"condition": "label", "network": "ladder", "latent_dim": 4}},
            "condition: goes only with network =",
        ),
        ({"model": {"label_dropout": 0.5}}, 'label_dropout: goes only with condition = "label"'),
        ({"model": {"condition": "label", "label_dropout": 1.0}}, "label_dropout: expected less than 1"),
    ],
)
def test_what_does_not_go_with_classes_is_refused(tables: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse(tables)


def test_images_without_classes_are_refused_before_a_step(make_run: MakeRun) -> None:
    run = make_run("model.condition=label")
    with pytest.raises(DataError, match=r'\[model\] condition = "label": these images have no classes'):
        list(train_events(run))


def test_labels_are_dropped_as_often_as_the_recipe_says(folder: Path) -> None:
    metadata = read_metadata(best_checkpoint(Run(folder / "runs" / "given")).path)
    recipe = parse(metadata["recipe"])[0]
    sets = load_sets_of(metadata, None, lambda *_: None)
    trainer = Trainer(recipe, sets, torch.device("cpu"))
    trainer.begin_epoch()
    found = [trainer._draw_batch(20, {"labels": torch.ones(20, dtype=torch.int64)})["labels"] for _ in range(300)]
    share = float((torch.cat(found) == -1).float().mean())
    assert abs(share - 0.2) < 0.02
    assert set(torch.cat(found).tolist()) == {-1, 1}


def test_a_conditional_run_goes_on_bit_for_bit(
    make_run: MakeRun, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)
    overrides = ("model.condition=label", "prior.name=class", f"data.root={folder / 'bars.npz'}")
    whole, other = make_run(*overrides, name="whole"), make_run(*overrides, "train.epochs=2", name="parted")
    list(train_events(whole))
    list(train_events(other))
    list(train_events(other, resume=True, overrides=["train.epochs=3"]))
    mine, its = (load_checkpoint(run.latest().path).state_dict() for run in (whole, other))
    assert mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in mine)


def test_the_class_is_worth_nats_and_evaluation_says_both(folder: Path, draw: Callable[..., Result]) -> None:
    found = json.loads(draw("evaluate", "given", "--json", "--samples", "50").stdout)
    assert found["elbo"] > found["elbo_without_class"] + 1
    assert found["nll"] < found["nll_without_class"]
    table = draw("evaluate", "given", "--samples", "20", "--ais", "4")
    assert "without the class" in table.stdout
    assert "every figure is given the image's class" in " ".join(table.stdout.split())
    needing = json.loads(draw("evaluate", "always", "--json", "--samples", "20").stdout)
    assert needing["elbo_without_class"] is None


def test_the_elbo_of_given_classes_is_that_of_each_image_by_itself(folder: Path) -> None:
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / "given")).path)
    pixels = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, -1, 0])
    both = evaluate_elbo(vae, pixels, labels=labels, seed=0, batch_size=4)
    epsilon = torch.cat([torch.randn(n, 2, generator=g) for g in [torch.Generator().manual_seed(0)] for n in (4, 2)])
    with torch.no_grad():
        alone = [vae(pixels[row : row + 1] / 255, epsilon[row : row + 1], labels[row : row + 1]) for row in range(6)]
    expected = sum(float(terms.distortion + terms.rate_per_dimension.sum(1)) for terms in alone) / 6
    assert both.elbo == pytest.approx(-expected, abs=1e-4)


def test_samples_are_of_the_class_that_is_asked_for(draw: Callable[..., Result]) -> None:
    draw("sample", "always", "--class", "upper", "--count", "9", "--out", "upper.npz")
    assert [class_of(image) for image in read_npz("upper.npz")["images"]] == ["upper"] * 9
    draw("sample", "always", "--count", "8", "--out", "all.npz")
    arrays = read_npz("all.npz")
    assert (
        [class_of(image) for image in arrays["images"]] == [NAMES[label] for label in arrays["labels"]] == 2 * [*NAMES]
    )


def test_a_grid_has_a_row_a_latent_and_a_column_a_class(draw: Callable[..., Result]) -> None:
    done = draw("sample", "always", "--grid", "--count", "3", "--out", "grid.npz")
    arrays = read_npz("grid.npz")
    assert "a column a class: bottom, lower, top, upper" in " ".join(done.stderr.split())
    assert [class_of(image) for image in arrays["images"]] == 3 * [*NAMES]
    np.testing.assert_array_equal(arrays["latents"].reshape(3, 4, 2)[:, 0], arrays["latents"].reshape(3, 4, 2)[:, 3])
    assert draw("sample", "always", "--grid", "--out", "grid.png").exit_code == 0


def test_another_class_is_given_to_the_place_of_an_image(draw: Callable[..., Result]) -> None:
    for command in ("traverse", "manifold"):
        draw(command, "always", "--around", "class:top", "--out", "own.npz")
        draw(command, "always", "--around", "class:top", "--class", "bottom", "--out", "other.npz")
        own, other = read_npz("own.npz"), read_npz("other.npz")
        np.testing.assert_array_equal(own["latent"], other["latent"])
        sides = own["images"].shape[-3:]
        assert {class_of(image) for image in own["images"].reshape(-1, *sides)} == {"top"}
        assert {class_of(image) for image in other["images"].reshape(-1, *sides)} == {"bottom"}
    draw("reconstruct", "always", "--image", "class:top", "--image", "class:lower", "--out", "own.npz")
    assert [class_of(image) for image in read_npz("own.npz")["reconstructions"]] == ["top", "lower"]
    draw("reconstruct", "always", "--image", "class:top", "--class", "upper", "--out", "other.npz")
    assert [class_of(image) for image in read_npz("other.npz")["reconstructions"]] == ["upper"]
    draw("interpolate", "always", "--from", "class:top", "--to", "class:top:1", "--out", "way.npz")
    assert {class_of(image) for image in read_npz("way.npz")["images"]} == {"top"}
    draw("evolve", "always", "--class", "lower", "--out", "film.npz")
    assert {class_of(image) for image in read_npz("film.npz")["images"][-1]} == {"lower"}


@pytest.mark.parametrize("run", ["given", "always"])
def test_between_images_of_two_classes_the_class_goes_over_too(
    run: str, draw: Callable[..., Result], folder: Path
) -> None:
    done = draw("interpolate", run, "--from", "class:top", "--to", "class:bottom", "--frames", "5", "--out", "way.npz")
    assert ", class top to bottom" in " ".join(done.stderr.split())
    way = read_npz("way.npz")
    assert (class_of(way["images"][0]), class_of(way["images"][-1])) == ("top", "bottom")
    bottom, top = NAMES.index("bottom"), NAMES.index("top")
    assert list(way["class_names"]) == list(NAMES)
    np.testing.assert_allclose(way["class_shares"][:, bottom], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(way["class_shares"][:, top], [1, 0.75, 0.5, 0.25, 0])
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / run)).path)
    first, *others = cast("nn.Sequential", vae.decoder.network)
    assert isinstance(first, nn.Linear)
    half = 0.5 * (first.weight[:, 2 + top] + first.weight[:, 2 + bottom])
    hidden = first.weight[:, :2] @ torch.from_numpy(way["latents"][2]) + half + first.bias
    expected = vae.likelihood.mean(nn.Sequential(*others)(hidden[None]))[0, 0]
    np.testing.assert_allclose(way["images"][2, ..., 0], (expected.detach() * 255).numpy(), atol=1)
    draw("interpolate", run, "--from", "class:top", "--to", "class:bottom", "--class", "upper", "--out", "one.npz")
    one = read_npz("one.npz")
    assert {class_of(image) for image in one["images"]} == {"upper"}, "one that is given goes for all"
    assert "class_shares" not in one


def test_an_end_of_no_known_class_is_decoded_as_it_was_encoded(draw: Callable[..., Result], tmp_path: Path) -> None:
    write = Image.fromarray(np.full((8, 8), 100, np.uint8)).save
    write(tmp_path / "own.png")
    for run, name in (("given", "none"), ("always", "bottom")):
        done = draw("interpolate", run, "--from", "class:top", "--to", "own.png", "--out", "way.npz")
        assert f", class top to {name}" in " ".join(done.stderr.split())
        shares = read_npz("way.npz")["class_shares"]
        assert shares[-1, -1 if name == "none" else NAMES.index(name)] == 1
        assert (shares[0, NAMES.index("top")], shares[0].sum()) == (1, 1)


def test_frames_between_two_classes_are_labelled_with_both(draw: Callable[..., Result]) -> None:
    between = ("interpolate", "given", "--from", "class:top", "--to", "class:bottom", "--frames", "3")
    draw(*between, "--out", "labelled.png")
    draw(*between, "--no-labels", "--out", "plain.png")
    labelled, plain = (decode_png(Path(name).read_bytes()) for name in ("labelled.png", "plain.png"))
    np.testing.assert_array_equal(labelled[: len(plain), : plain.shape[1]], plain)
    assert len(labelled) > len(plain)
    draw("interpolate", "given", "--from", "class:top", "--to", "class:top:1", "--frames", "3", "--out", "alike.png")
    assert decode_png(Path("alike.png").read_bytes()).shape == plain.shape, (
        "where there is one class, there is none to tell"
    )
    draw(*between, "--through", "class:lower", "--loop", "--out", "round.gif")
    with Image.open("round.gif") as gif:
        assert ", class top to lower to bottom" in gif.info["comment"].decode()


def test_shares_of_classes_are_said_in_their_order() -> None:
    assert describe_shares(share_of(1, 3), ["a", "b", "c"]) == "b"
    assert describe_shares(share_of(-1, 3), ["a", "b", "c"]) == "none"
    assert describe_shares(np.array([0, 0.7, 0, 0.3], np.float32), ["a", "b", "c"]) == "70% b, 30% none"


def test_classes_that_cannot_be_given_say_why(draw: Callable[..., Result], folder: Path) -> None:
    with pytest.raises(DataError, match="there is no class 'left'; there are bottom, lower, top, upper"):
        draw("sample", "given", "--class", "left", "--out", "a.png")
    with pytest.raises(DataError, match="--class none: this model always needs a class"):
        draw("sample", "always", "--class", "none", "--out", "a.png")
    with pytest.raises(VaeTuiError, match="--grid draws every class side by side"):
        draw("sample", "given", "--grid", "--class", "top", "--out", "a.png")
    plain = folder / "runs" / "plain"
    if not plain.exists():
        for _ in vae_tui.train(
            folder / "bars.toml", ["model.condition=none", "train.epochs=1"], name="plain", runs_dir=folder / "runs"
        ):
            pass
    with pytest.raises(DataError, match="--class top: this model is given no class"):
        draw("sample", "plain", "--class", "top", "--out", "a.png")
    with pytest.raises(
        VaeTuiError, match=r"--grid has a column a class: it is for models trained with model\.condition"
    ):
        draw("sample", "plain", "--grid", "--out", "a.png")
    assert not Path("a.png").exists()


def test_codes_are_of_each_image_s_own_class(draw: Callable[..., Result], folder: Path) -> None:
    draw("encode", "given", "--out", "codes.npz")
    arrays = read_npz("codes.npz")
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / "given")).path)
    test = load_sets_of(read_metadata(best_checkpoint(Run(folder / "runs" / "given")).path), None, lambda *_: None).test
    np.testing.assert_allclose(arrays["mean"], encode_images(vae, test.pixels, test.labels)[0], atol=1e-6)
    blind = encode_images(vae, test.pixels, torch.full((len(test),), -1))[0]
    assert not np.allclose(arrays["mean"], blind, atol=1e-3)


def test_both_parts_are_exported_with_their_labels(folder: Path) -> None:
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / "given")).path)
    latent, labels = torch.randn(4, 2), torch.tensor([3, -1, 0, 2])
    for kind in ("pt2", "onnx"):
        encoder, decoder = export_parts(vae, kind)
        assert max(encoder.error, decoder.error) < 1e-4
        if kind == "pt2":
            found = torch.export.load(io.BytesIO(decoder.content)).module()(latent, labels)
        else:
            session = onnxruntime.InferenceSession(decoder.content)
            found = torch.from_numpy(session.run(None, {"latent": latent.numpy(), "labels": labels.numpy()})[0])
        torch.testing.assert_close(found, vae.decode(latent, labels), atol=1e-4, rtol=0)


def test_a_walk_s_decoder_changes_class_without_reading_the_checkpoint_again(folder: Path) -> None:
    service = Service(io.BytesIO(), None)
    path = best_checkpoint(Run(folder / "runs" / "given")).path
    opened = service._reply(1, ms.OpenCheckpoint(path))
    assert isinstance(opened, ms.CheckpointOpened)
    assert (opened.class_given, opened.knows_no_class, opened.class_names) == (-1, True, NAMES)
    space = service._opened
    for index, name in enumerate(NAMES):
        opened = service._reply(2, ms.OpenCheckpoint(path, index))
        assert isinstance(opened, ms.CheckpointOpened)
        assert opened.class_given == index
        decoded = service._reply(3, ms.Decode(np.zeros((1, 2), np.float32)))
        assert isinstance(decoded, ms.Decoded)
        assert class_of(decoded.images[0]) == name
    assert service._opened is space


@pytest.mark.parametrize("run", ["given", "always"])
def test_a_walk_s_decoder_decodes_each_picture_as_of_its_own_share_of_classes(run: str, folder: Path) -> None:
    service = Service(io.BytesIO(), None)
    path = best_checkpoint(Run(folder / "runs" / run)).path
    service._reply(1, ms.OpenCheckpoint(path))
    vae = load_checkpoint(path)
    found = service._reply(2, ms.FindSource("class:lower"))
    assert isinstance(found, ms.SourceFound)
    assert NAMES[found.class_index] == "lower"
    points = np.tile(found.mean, (3, 1))
    lower, top = share_of(found.class_index, 4), share_of(NAMES.index("top"), 4)
    shares = np.stack([lower, (lower + top) / 2, top])
    decoded = service._reply(3, ms.Decode(points, shares))
    assert isinstance(decoded, ms.Decoded)
    assert (class_of(decoded.images[0]), class_of(decoded.images[2])) == ("lower", "top")
    np.testing.assert_array_equal(decoded.images, decode_points(vae, points, labels=torch.from_numpy(shares)))
    as_labels = decode_points(vae, points[::2], labels=torch.tensor([found.class_index, NAMES.index("top")]))
    np.testing.assert_array_equal(decoded.images[::2], as_labels)
    snapped = service._reply(4, ms.Snap(found.mean, top))
    assert isinstance(snapped, ms.Snapped)
    pixels = torch.from_numpy(decoded.images[2:].transpose(0, 3, 1, 2).copy())
    np.testing.assert_allclose(snapped.point, encode_images(vae, pixels)[0][0], atol=1e-6)
    spread = service._reply(5, ms.DrawSpread(points, shares))
    assert isinstance(spread, ms.Decoded)
    assert not np.array_equal(spread.images[0], spread.images[2])
    fitted, as_given = (
        service._reply(6, ms.FitImage("class:lower", found.mean, own)) for own in (lower, share_of(-1, 4))
    )
    assert isinstance(fitted, ms.Fitted)
    assert isinstance(as_given, ms.Fitted)
    assert fitted.after < as_given.after, "an image fits its own class best"
    for text, of_class in (("class:lower", found.class_index), ("class:lower - class:top + class:top", None)):
        gone_to = service._reply(7, ms.Calculate(text, (), np.empty((0, len(found.mean)), np.float32)))
        assert isinstance(gone_to, ms.Calculated)
        np.testing.assert_allclose(gone_to.point, found.mean, atol=1e-5)
        assert gone_to.class_index == of_class, "one image is decoded as of its class, a sum as whatever was"


def test_a_way_between_classes_replays_to_the_same_bytes(
    draw: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    path = best_checkpoint(Run(folder / "runs" / "given")).path
    service = Service(io.BytesIO(), None)
    service._reply(1, ms.OpenCheckpoint(path))
    points = (0.3 * np.random.default_rng(0).normal(size=(4, 2))).astype(np.float32)
    ends = np.stack([share_of(0, 4), share_of(2, 4)])
    shares = pass_through(ends, 4)
    service._reply(2, ms.ExportGif(tmp_path / "seen.gif", 10.0, points, shares))
    write_walk(tmp_path / "way.toml", RecordedWalk(points, 10.0, str(path), "none", shares))
    assert draw("sample", "--path", "way.toml", "--out", "again.gif").exit_code == 0
    assert (tmp_path / "again.gif").read_bytes() == (tmp_path / "seen.gif").read_bytes()
    draw("sample", "--path", "way.toml", "--out", "way.npz")
    images = read_npz("way.npz")["images"]
    assert (class_of(images[0]), class_of(images[-1])) == ("bottom", "top")
    write_walk(tmp_path / "other.toml", RecordedWalk(points, 10.0, str(path), "none", shares[:, :3]))
    with pytest.raises(VaeTuiError, match="the walk's points are of 2 classes, but the model has 4"):
        draw("sample", "--path", "other.toml", "--out", "other.gif")


def test_the_prior_of_a_place_between_classes_is_a_mixture_of_theirs() -> None:
    vae = conditional(prior={"name": "class"})
    vae.prior.means.data.normal_(generator=torch.Generator().manual_seed(0))
    vae.prior.log_variances.data.normal_(generator=torch.Generator().manual_seed(1))
    place = np.array([0.5, -1, 0.2], np.float32)
    of_each = [log_prior_density(vae.prior_given(torch.tensor([label]), 1), place) for label in (0, 2)]
    assert log_class_density(vae.prior, place, share_of(2, 4)) == pytest.approx(of_each[1], abs=1e-5)
    shares = np.array([0.25, 0, 0.75, 0, 0], np.float32)
    expected = np.log(0.25 * np.exp(of_each[0]) + 0.75 * np.exp(of_each[1]))
    assert log_class_density(vae.prior, place, shares) == pytest.approx(expected, abs=1e-5)
