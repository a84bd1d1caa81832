from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events
from PIL import Image

from vae_tui.data import ImageSets, as_floats, read_all
from vae_tui.errors import CheckpointError, DataError
from vae_tui.latent.codes import encode_images, encode_set
from vae_tui.latent.sources import (
    Source,
    find_source,
    load_sets_of,
    locate_sources,
    place_sources,
)
from vae_tui.model import VAE, build
from vae_tui.recipe import parse

SHAPE = (1, 8, 6)


def nothing_loaded() -> NoReturn:
    raise AssertionError("no data is needed for this")


@pytest.mark.parametrize(
    ("name", "split", "index", "plain"),
    [
        ("3", "test", 3, "test:3"),
        ("test:3", "test", 3, "test:3"),
        ("train:29", "train", 29, "train:29"),
        ("class:shoe", "test", 1, "test:1"),
        ("class:b:2", "test", 8, "test:8"),
        ("train:class:Bag:1", "train", 5, "train:5"),
        ("class:1", "test", 1, "test:1"),
    ],
)
def test_an_image_is_named_by_index_or_class(sets: ImageSets, name: str, split: str, index: int, plain: str) -> None:
    found = find_source(name, lambda: sets, SHAPE)
    assert found.name == plain
    assert found.pixels is not None
    assert torch.equal(found.pixels, getattr(sets, split).pixels[index])
    assert found.class_index == int(getattr(sets, split).labels[index])
    assert sets.class_names[found.class_index] in found.caption


def test_a_class_mean_has_no_image(sets: ImageSets) -> None:
    assert find_source("mean:BAG", lambda: sets, SHAPE) == Source("mean:Bag", "mean of Bag", None, 2)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("10", "there are 10 test images, 0 to 9"),
        ("validation:0", "no validation split"),
        ("class:s", "fits several: Shirt, Shoe"),
        ("class:hat", "no class 'hat'; there are Shirt, Shoe, Bag"),
        ("class:", "no class ''"),
        ("class:bag:9", "there are 3 test images of class Bag"),
        ("class:7", "no class '7'"),
        ("train:photo.png", "names no image"),
        ("nothing.png", "neither a file nor the name of an image; expected 12, train:12"),
        ("", "neither a file"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(sets: ImageSets, name: str, complaint: str) -> None:
    with pytest.raises(DataError) as caught:
        find_source(name, lambda: sets, SHAPE)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "gif"])
def test_a_file_is_fitted_to_the_model_without_any_data(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.new("RGB", (60, 40), (200, 200, 200)).save(path)
    found = find_source(str(path), nothing_loaded, SHAPE)
    assert found.pixels is not None
    assert found.pixels.shape == SHAPE
    assert abs(int(found.pixels[0, 4, 3]) - 200) < 3
    assert found.caption == path.name


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"hello", "no image that can be read$"),
        (b"", "but an empty file$"),
        (b"\x89PNG\r\n\x1a\nab", "no image that can be read$"),
    ],
)
def test_a_file_that_is_no_image_is_named_with_what_it_is(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"cannot be read as an image: .*{problem}"):
        find_source(str(path), nothing_loaded, SHAPE)


def test_sources_are_where_the_encoder_puts_them_and_class_means_are_certain(vae: VAE, sets: ImageSets) -> None:
    codes = encode_set(vae, sets.test, sets.class_names)
    sources = [find_source(name, lambda: sets, SHAPE) for name in ("4", "mean:shoe")]
    mean, log_variance = locate_sources(vae, sources, lambda: codes)
    expected = encode_images(vae, sets.test.pixels[4:5])
    np.testing.assert_array_equal(mean[0], expected[0][0])
    np.testing.assert_array_equal(log_variance[0], expected[1][0])
    np.testing.assert_allclose(mean[1], codes.mean[codes.labels == 1].mean(0), atol=1e-6)
    np.testing.assert_array_equal(place_sources(vae, sources, lambda: codes, "mean", 0), mean)
    drawn = place_sources(vae, sources, lambda: codes, "draw", 7)
    np.testing.assert_array_equal(drawn[1], mean[1])
    assert not np.array_equal(drawn[0], mean[0])
    np.testing.assert_array_equal(drawn, place_sources(vae, sources, lambda: codes, "draw", 7))


def test_all_sources_are_drawn_with_the_same_epsilon(vae: VAE, sets: ImageSets) -> None:
    sources = [find_source(name, lambda: sets, SHAPE) for name in ("4", "5")]
    mean, log_variance = locate_sources(vae, sources, nothing_loaded)
    drawn = place_sources(vae, sources, nothing_loaded, "draw", 1)
    epsilons = (drawn - mean) / np.exp(0.5 * log_variance)
    np.testing.assert_allclose(epsilons[0], epsilons[1], atol=1e-5)


def test_a_draw_is_one_of_the_posterior_itself_whatever_its_kind(sets: ImageSets) -> None:
    recipe, _ = parse({"model": {"hidden": [16], "latent_dim": 3, "posterior": "full"}})
    full = build(recipe, SHAPE, seed=1).eval()
    source = find_source("4", lambda: sets, SHAPE)
    assert source.pixels is not None
    epsilon = torch.randn(1, 3, generator=torch.Generator().manual_seed(7))
    expected = full.posterior.draw(full.encoder(as_floats(source.pixels[None])), epsilon).latent
    found = place_sources(full, [source], nothing_loaded, "draw", 7)
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-6)
    mean, log_variance = locate_sources(full, [source], nothing_loaded)
    assert np.abs(found - mean - np.exp(0.5 * log_variance) * epsilon.numpy()).max() > 0.01


def test_a_checkpoints_images_are_loaded_as_they_were_for_it(make_run: MakeRun, tmp_path: Path) -> None:
    recipe = tmp_path / "checkpoints" / "run" / "recipe.toml"
    run = make_run()
    assert recipe == run.recipe_path
    from vae_tui.recipe import load_recipe

    metadata = {"recipe": load_recipe(str(recipe)).recipe.resolved(), "image_shape": [1, 8, 6]}
    sets = load_sets_of(metadata, None, lambda *_: None)
    assert sets.test.pixels.shape == (12, 1, 8, 6)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "blobs.npy").rename(moved / "blobs.npy")
    with pytest.raises(DataError, match=r"blobs.npy is not there; .* --data-root DIR, the folder that holds blobs.npy"):
        load_sets_of(metadata, None, lambda *_: None)
    again = load_sets_of(metadata, moved, lambda *_: None)
    assert torch.equal(read_all(again.test.pixels), read_all(sets.test.pixels))
    with pytest.raises(DataError, match=r"1 x 8 x 6 .* 1 x 9 x 6"):
        load_sets_of({**metadata, "image_shape": [1, 9, 6]}, moved, lambda *_: None)
    with pytest.raises(CheckpointError, match="does not say what it was trained on"):
        load_sets_of({}, moved, lambda *_: None)


def test_images_that_have_changed_since_the_training_are_told(make_run: MakeRun, images_path: Path) -> None:
    from vae_tui.runs.metadata import read_metadata

    run = make_run("train.epochs=1")
    list(train_events(run))
    metadata = read_metadata(run.latest().path)
    assert load_sets_of(metadata, None, lambda *_: None).notes == ()
    np.save(images_path, 255 - np.load(images_path))
    (note,) = load_sets_of(metadata, None, lambda *_: None).notes
    assert "not those the checkpoint was trained and validated with" in note
