"""Images of other numbers of channels than one and three: trained on whole, shown by one channel or three."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from invoked import invoke, read_npz
from PIL import Image
from typer.testing import Result

import vae_tui
from vae_tui.data.array_shape import find_layout
from vae_tui.errors import DataError, RecipeError
from vae_tui.imaging.grid import decode_png
from vae_tui.latent.service import Service
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.exported import export_parts
from vae_tui.recipe import parse
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.walk import messages as ms

LEVELS = (20, 70, 120, 170, 220)
"""About which the values of each of five channels are."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 120 images of 6 x 8 pixels and five channels, shown by 4, 0 and 2."""
    folder = tmp_path_factory.mktemp("channels")
    noise = np.random.default_rng(0).integers(-15, 16, (120, 6, 8, 5))
    np.savez(folder / "bands.npz", images=(np.array(LEVELS) + noise).astype(np.uint8), labels=np.arange(120) % 3)
    recipe = folder / "bands.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{folder / "bands.npz"}"\nchannels = 5\nshown = [4, 0, 2]\n'
        '[model]\nnetwork = "conv"\nchannels = [8]\nlatent_dim = 3\n[train]\nepochs = 4\nbatch_size = 20\nthreads = 1\n'
    )
    for _ in vae_tui.train(recipe, name="bands", runs_dir=folder / "runs"):
        pass
    return folder


@pytest.fixture
def draw(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in an empty folder, with those runs as its runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(folder / "runs"))
    return invoke


def means(picture: np.ndarray) -> list[float]:
    """Of each channel of (H, W, C), where there is a tile."""
    is_tile = (picture != 48).any(2)
    return [float(channel[is_tile].mean()) for channel in np.moveaxis(picture, -1, 0)]


def test_a_run_draws_its_images_by_the_channels_that_are_shown(folder: Path) -> None:
    run = Run(folder / "runs" / "bands")
    assert tomllib.loads(run.recipe_path.read_text())["data"]["shown"] == [4, 0, 2]
    assert load_checkpoint(run.latest().path).image_shape == (5, 6, 8)
    for kind in ("samples", "reconstructions"):
        newest = max(run.images_path.glob(f"{kind}-*.png"))
        assert means(decode_png(newest.read_bytes())) == pytest.approx([220, 20, 120], abs=12)


@pytest.mark.parametrize(
    "command", [["sample"], ["reconstruct"], ["interpolate"], ["traverse"], ["manifold"], ["evolve"]], ids="".join
)
def test_pictures_show_those_and_an_npz_holds_all(draw: Callable[..., Result], command: list[str]) -> None:
    draw(*command, "bands", "--out", "picture.png")
    assert means(decode_png(Path("picture.png").read_bytes())) == pytest.approx([220, 20, 120], abs=12)
    draw(*command, "bands", "--out", "picture.npz")
    arrays = read_npz("picture.npz")
    images = arrays.get("images", arrays.get("reconstructions"))
    assert images is not None
    assert images.reshape(-1, 5).mean(0).tolist() == pytest.approx(LEVELS, abs=12)


def test_what_moves_shows_them_too(draw: Callable[..., Result]) -> None:
    draw("sample", "bands", "--out", "walk.gif", "--count", "2", "--scale", "1")
    with Image.open("walk.gif") as gif:
        assert means(np.asarray(gif.convert("RGB"))) == pytest.approx([220, 20, 120], abs=15)


def test_a_scatter_keeps_its_own_colours(draw: Callable[..., Result], folder: Path) -> None:
    draw("project", "bands", "--out", "bands.png")
    draw("project", "bands", "--out", "again.png")
    assert Path("bands.png").read_bytes() == Path("again.png").read_bytes()
    assert decode_png(Path("bands.png").read_bytes()).shape[2] == 3


def test_a_walk_shows_them_and_finds_neighbours_by_them(folder: Path) -> None:
    service = Service(io.BytesIO(), None)
    opened = service._reply(1, ms.OpenCheckpoint(best_checkpoint(Run(folder / "runs" / "bands")).path))
    assert isinstance(opened, ms.CheckpointOpened)
    decoded = service._reply(2, ms.Decode(np.zeros((2, 3), np.float32)))
    assert isinstance(decoded, ms.Decoded)
    assert decoded.images.shape == (2, 6, 8, 3)
    space = service._opened
    assert space is not None
    wanted = space.sets.train.pixels[7:8].permute(0, 2, 3, 1).numpy()[0][..., [4, 0, 2]]
    near = service._reply(3, ms.FindNeighbors(wanted, 3))
    assert isinstance(near, ms.NeighborsFound)
    np.testing.assert_array_equal(near.images[0], wanted)
    snapped = service._reply(4, ms.Snap(np.zeros(3, np.float32)))
    assert isinstance(snapped, ms.Snapped)


def test_it_is_evaluated_encoded_and_exported(draw: Callable[..., Result], folder: Path) -> None:
    found = json.loads(draw("evaluate", "bands", "--json", "--samples", "5").stdout)
    assert np.isfinite(found["nll"])
    draw("encode", "bands", "--out", "codes.npz")
    assert read_npz("codes.npz")["mean"].shape[1] == 3
    vae = load_checkpoint(best_checkpoint(Run(folder / "runs" / "bands")).path)
    assert all(part.error < 1e-4 for part in export_parts(vae, "pt2"))


def test_photos_do_not_go_with_it(draw: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 6)).save(tmp_path / "photos" / "one.png")
    for arguments in (["interpolate", "bands", "--from", "photos/one.png"], ["encode", "bands", "--folder", "photos"]):
        with pytest.raises(DataError, match="have 5 channels, and those of photos are 1 or 3"):
            draw(*arguments, "--out", "new.npz")


@pytest.mark.parametrize(
    ("shape", "channels", "image_shape"),
    [
        ((9, 6, 8, 5), 5, (5, 6, 8)),
        ((9, 5, 6, 8), 5, (5, 6, 8)),
        ((9, 6, 8, 2), 2, (2, 6, 8)),
        ((9, 6, 8, 4), 4, (4, 6, 8)),
        ((9, 6, 8), 1, (1, 6, 8)),
        ((9, 3, 8, 12), 12, (12, 3, 8)),
    ],
)
def test_the_axis_that_is_as_long_as_there_are_channels_is_theirs(
    shape: tuple[int, ...], channels: int, image_shape: tuple[int, int, int]
) -> None:
    layout = find_layout(shape, "images", channels)
    assert layout.image_shape == image_shape
    values = np.arange(np.prod(shape)).reshape(shape)
    arranged = layout.arrange(values)
    expected = values.reshape(*shape, 1) if len(shape) == 3 else values
    if len(shape) == 4 and shape[1] == channels:
        expected = np.moveaxis(values, 1, -1)
    np.testing.assert_array_equal(arranged, expected)


@pytest.mark.parametrize(
    ("shape", "channels", "problem"),
    [
        ((9, 6, 8, 5), None, "other numbers of channels are read with --set data.channels=C"),
        ((9, 6, 8, 4), None, "--set data.channels=4 to keep it"),
        ((9, 6, 8, 2), None, "keep both: --set data.channels=2"),
        ((9, 6, 8, 4), 5, r"expected \(N, H, W, 5\) or \(N, 5, H, W\), as \[data\] channels = 5 has it"),
        ((9, 6, 8), 5, r"expected \(N, H, W, 5\)"),
        ((9, 5, 8, 5), 5, "may come before the rows or after the columns"),
    ],
)
def test_other_arrays_are_refused(shape: tuple[int, ...], channels: int | None, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        find_layout(shape, "images", channels)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"name": "folder", "root": "a", "channels": 2}, r'expected 1 or 3 with name = "folder", got 2'),
        ({"name": "npz", "root": "a", "channels": 5, "shown": [0, 1]}, r"expected one channel, or three, got \[0, 1\]"),
        ({"name": "npz", "root": "a", "channels": 5, "shown": [0, 1, 5]}, "expected channels from 0 to 4"),
        ({"name": "npz", "root": "a", "shown": [3]}, "expected channels from 0 to 2"),
        ({"name": "npz", "root": "a", "channels": 0}, "channels"),
    ],
)
def test_what_cannot_be_shown_is_refused(data: dict[str, object], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        parse({"data": data})


@pytest.mark.parametrize(("channels", "expected"), [(1, None), (2, [0]), (3, None), (4, [0, 1, 2]), (9, [0, 1, 2])])
def test_without_a_word_the_first_are_shown(channels: int, expected: list[int] | None) -> None:
    from vae_tui.model import build

    assert build(parse({})[0], (channels, 5, 4)).shown_channels == expected


def test_grey_images_have_no_third_channel(tmp_path: Path) -> None:
    np.savez(tmp_path / "grey.npz", images=torch.randint(0, 255, (30, 5, 5), dtype=torch.uint8).numpy())
    data = {"name": "npz", "root": str(tmp_path / "grey.npz"), "shown": [2]}
    with pytest.raises(DataError, match=r"shown = \[2\]: these images have 1 channel, counted from 0"):
        for _ in vae_tui.train(parse({"data": data, "train": {"epochs": 1}})[0], runs_dir=tmp_path / "runs"):
            pass
