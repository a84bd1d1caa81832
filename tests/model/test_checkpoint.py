from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

import vae_tui
from vae_tui.errors import CheckpointError
from vae_tui.model import build
from vae_tui.model.checkpoint import encode_checkpoint, load_checkpoint
from vae_tui.recipe import parse
from vae_tui.runs.metadata import read_metadata

RECIPE, _ = parse({"model": {"network": "conv", "channels": [4], "norm": "batch", "latent_dim": 3}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vae.safetensors"
    path.write_bytes(encode_checkpoint(build(RECIPE, (1, 8, 6), seed=1), None, {"step": 7}))
    return path


def test_a_checkpoint_loads_alone(path: Path) -> None:
    vae = vae_tui.load(path)
    expected = build(RECIPE, (1, 8, 6), seed=1).eval()
    assert not vae.training
    assert vae.recipe == RECIPE
    images = torch.rand(2, 1, 8, 6)
    assert torch.equal(vae.reconstruct(images), expected.reconstruct(images))
    assert read_metadata(path)["step"] == 7


def test_averaged_weights_are_the_ones_that_load(tmp_path: Path) -> None:
    plain, averaged = build(RECIPE, (1, 8, 6), seed=1), build(RECIPE, (1, 8, 6), seed=2)
    path = tmp_path / "vae.safetensors"
    path.write_bytes(encode_checkpoint(plain, averaged, {}))
    first = next(load_checkpoint(path).parameters())
    assert torch.equal(first, next(averaged.parameters()))
    assert torch.equal(next(load_checkpoint(path, averaged=False).parameters()), next(plain.parameters()))


@pytest.mark.parametrize("kept", [0, 5, 100, 1000, -1])
def test_a_checkpoint_cut_short_anywhere_is_one_clear_error(path: Path, kept: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    with pytest.raises(CheckpointError, match="damaged or was cut short") as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)


def test_a_foreign_safetensors_file_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "llama.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="vae-tui did not write it"):
        load_checkpoint(path)


def test_tensors_that_do_not_fit_are_named(tmp_path: Path, path: Path) -> None:
    tensors = safetensors.torch.load_file(path)
    tensors["decoder.0.bias"] = torch.zeros(3)
    del tensors["encoder.0.weight"]
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    safetensors.torch.save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match=r"decoder\.0\.bias is \(3,\), expected .*encoder\.0\.weight is missing"):
        load_checkpoint(path)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        vae_tui.load(tmp_path / "nothing.safetensors")
