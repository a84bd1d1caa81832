"""A diffusers AutoencoderKL becomes a checkpoint that every command takes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events
from invoked import invoke, read_npz
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import Result

import vae_tui
from vae_tui.errors import CheckpointError, DataError, RecipeError, VaeTuiError
from vae_tui.latent.service import Service
from vae_tui.model import VAE, build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.diffusers import read_autoencoder_kl
from vae_tui.recipe import parse
from vae_tui.walk import messages as ms

CONFIG = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": [8, 16],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 2,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "scaling_factor": 0.18215,
}
MODEL = {"network": "autoencoder-kl", "channels": [8, 16], "groups": 4, "latent_channels": 2, "latent_dim": 128}


def untrained() -> VAE:
    return build(parse({"model": MODEL})[0], (3, 16, 16), seed=3).eval()


def weights_of(vae: VAE) -> dict[str, torch.Tensor]:
    """Its weights under the names that diffusers has."""
    renamed = {"encoder.quant_conv.": "quant_conv.", "decoder.post_quant_conv.": "post_quant_conv."}
    weights = {}
    for name, tensor in vae.state_dict().items():
        for ours, theirs in renamed.items():
            name = name.replace(ours, theirs)
        weights[name] = tensor.contiguous()
    return weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny AutoencoderKL as diffusers saves it, and photos of 20 x 24 beside it in `photos`."""
    folder = tmp_path / "model" / "vae"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    save_file(weights_of(untrained()), folder / "diffusion_pytorch_model.safetensors")
    generator = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(30):
        pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number:02}.png")
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in the test's folder."""
    monkeypatch.chdir(tmp_path)
    return invoke


def test_its_figures_are_those_of_diffusers(tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    torch.manual_seed(0)
    theirs = diffusers.AutoencoderKL(
        **{key: value for key, value in CONFIG.items() if not key.startswith("_")}, sample_size=16
    )
    theirs.save_pretrained(tmp_path / "saved")
    images = torch.rand(2, 3, 16, 16)
    ours = read_autoencoder_kl(tmp_path / "saved", tmp_path, 16, sigma=0.1)
    with torch.no_grad():
        posterior = theirs.encode(2 * images - 1).latent_dist
        expected = (theirs.decode(posterior.mode()).sample + 1) / 2
        mean, log_variance = ours.encode(images)
        torch.testing.assert_close(mean, posterior.mean.flatten(1))
        torch.testing.assert_close(log_variance, posterior.logvar.flatten(1))
        torch.testing.assert_close(ours.decode(mean), expected.clamp(1e-4, 1 - 1e-4))


def test_a_folder_in_its_layout_is_the_same_network(folder: Path) -> None:
    expected, found = untrained(), read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(found.encode(images), expected.encode(images))
    assert found.network_name == "autoencoder-kl 3-8-16, latents 2 x 8 x 8"


def test_older_names_half_precision_and_missing_convolutions_are_read(folder: Path) -> None:
    path = folder / "diffusion_pytorch_model.safetensors"
    expected = read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    images = torch.rand(2, 3, 16, 16)
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = {}
    for name, tensor in load_file(path).items():
        for new, before in old.items():
            if f"attentions.0.{new}." in name:
                name = name.replace(new, before)
                tensor = tensor[:, :, None, None] if name.endswith("weight") else tensor
        weights[name] = tensor.contiguous()
    save_file(weights, path)
    found = read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    torch.testing.assert_close(found.encode(images), expected.encode(images))
    save_file({name: tensor.half() for name, tensor in weights.items()}, path)
    half = read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    assert next(half.parameters()).dtype == torch.float32
    torch.testing.assert_close(half.encode(images)[0], expected.encode(images)[0], atol=1e-2, rtol=1e-2)
    save_file({name: tensor for name, tensor in weights.items() if "quant_conv" not in name}, path)
    without = read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    torch.testing.assert_close(without.state_dict()["encoder.quant_conv.weight"][:, :, 0, 0], torch.eye(4))


def test_the_file_goes_the_whole_round(folder: Path, run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("import", folder, "--photos", "photos", "--image-size", "16", "--out", "kl.safetensors")
    assert done.stdout.strip() == "kl.safetensors"
    vae = vae_tui.load("kl.safetensors")
    assert vae.latent_dim == 128
    run("reconstruct", "kl.safetensors", "--image", "photos/03.png", "--out", "back.npz")
    arrays = read_npz("back.npz")
    pixels = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2) / 255
    expected = vae.reconstruct(pixels).mul(255).round()
    torch.testing.assert_close(
        torch.from_numpy(arrays["reconstructions"]).permute(0, 3, 1, 2).float(), expected.detach(), atol=1, rtol=0
    )
    for command in (
        ("interpolate", "--from", "0", "--to", "1", "--out", "way.png"),
        ("sample", "--count", "2", "--out", "grid.png"),
        ("traverse", "--dimensions", "0,5", "--out", "rows.png"),
        ("encode", "--split", "all", "--out", "codes.npz"),
        ("export", "--pytorch", "networks"),
    ):
        assert run(command[0], "kl.safetensors", *command[1:]).exit_code == 0
    assert len(read_npz("codes.npz")["mean"]) == 30
    assert (tmp_path / "networks" / "kl.py").exists()
    with pytest.raises(VaeTuiError, match="is a file with weights: --csv and --tensorboard write the history of a run"):
        run("export", "kl.safetensors", "--csv", "tables")
    with pytest.raises(VaeTuiError, match="is called as that of another; export one at a time"):
        run("export", "kl.safetensors", "./kl.safetensors", "--pt2", "networks")
    evaluated = json.loads(run("evaluate", "kl.safetensors", "--samples", "2", "--json").stdout)
    assert evaluated["network"].startswith("autoencoder-kl")
    service = Service(io.BytesIO(), None)
    opened = service._reply(1, ms.OpenCheckpoint(tmp_path / "kl.safetensors"))
    assert isinstance(opened, ms.CheckpointOpened)
    assert isinstance(service._reply(2, ms.Decode(np.zeros((1, 128), np.float32))), ms.Decoded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"_class_name": "AutoencoderTiny"}, 'expected "_class_name": "AutoencoderKL", got \'AutoencoderTiny\''),
        ({"act_fn": "gelu"}, "of another AutoencoderKL than is known here: act_fn: expected \"silu\", got 'gelu'"),
        ({"down_block_types": ["AttnDownEncoderBlock2D"] * 2}, "down_block_types: expected DownEncoderBlock2D alone"),
        ({"latent_channels": 3}, "does not fit autoencoder-kl"),
        ({"norm_num_groups": 3}, "groups: expected a number that divides all of channels"),
        ({"block_out_channels": "8, 16"}, r"block_out_channels: expected a list of whole numbers above 0, got '8, 16'"),
        ({"norm_num_groups": None}, "norm_num_groups: expected a whole number above 0, got None"),
        ({"up_block_types": 2}, "up_block_types: expected UpDecoderBlock2D alone, got 2"),
        ({"mid_block_add_attention": False}, "mid_block_add_attention: expected true"),
    ],
)
def test_another_kind_of_model_is_refused_by_name(folder: Path, change: dict[str, Any], message: str) -> None:
    (folder / "config.json").write_text(json.dumps({**CONFIG, **change}))
    with pytest.raises(CheckpointError, match=message):
        read_autoencoder_kl(folder, folder, 16, sigma=0.1)


def test_what_cannot_be_read_says_the_way_on(folder: Path, run: Callable[..., Result], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"model/config.json cannot be read: .*; is .*model/vae the folder\?"):
        read_autoencoder_kl(folder.parent, folder, 16, sigma=0.1)
    with pytest.raises(CheckpointError, match="give an --image-size that 2 divides"):
        read_autoencoder_kl(folder, folder, 17, sigma=0.1)
    with pytest.raises(CheckpointError, match="a smaller --image-size has fewer latents"):
        read_autoencoder_kl(folder, folder, 512, sigma=0.1)
    with pytest.raises(DataError, match="--photos nowhere is not there"):
        run("import", folder, "--photos", "nowhere", "--out", "kl.safetensors")
    (folder / "diffusion_pytorch_model.safetensors").rename(folder / "diffusion_pytorch_model.bin")
    with pytest.raises(CheckpointError, match="is pickled, which is not opened: save it anew with safetensors"):
        read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="is not JSON"):
        read_autoencoder_kl(folder, folder, 16, sigma=0.1)
    assert not (tmp_path / "kl.safetensors").exists()


def test_the_network_can_be_trained_from_the_start(make_run: MakeRun) -> None:
    overrides = [
        "model.network=autoencoder-kl",
        "model.channels=[8, 8]",
        "model.latent_channels=2",
        "model.latent_dim=24",
    ]
    run = make_run(*overrides, "train.epochs=1")
    list(train_events(run))
    assert load_checkpoint(run.latest().path).network_name == "autoencoder-kl 1-8-8, latents 2 x 4 x 3"
    wrong = make_run(*overrides[:-1], "model.latent_dim=20", name="wrong")
    with pytest.raises(RecipeError, match="latent_dim: expected 24, a picture of 2 x 4 x 3, got 20"):
        list(train_events(wrong))
