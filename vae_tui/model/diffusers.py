"""A diffusers AutoencoderKL, a folder with config.json and safetensors, as a VAE of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vae_tui.errors import CheckpointError, RecipeError
from vae_tui.model.checkpoint import load_weights
from vae_tui.model.vae import VAE
from vae_tui.recipe import parse

_BLOCKS = {"down_block_types": "DownEncoderBlock2D", "up_block_types": "UpDecoderBlock2D"}
_COUNTS = ("layers_per_block", "latent_channels", "norm_num_groups")
_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What layers of attention were called before 2023."""


def read_autoencoder_kl(folder: Path, images: Path, image_size: int, *, sigma: float) -> VAE:
    """The VAE in a folder, for photos under `images` at `image_size`, with a Gaussian likelihood of that sigma.

    Raises CheckpointError where the folder holds no AutoencoderKL, or one of another kind than is known.
    """
    config = _read_config(folder)
    channels, latent_channels = config["block_out_channels"], config["latent_channels"]
    shrunk = 2 ** (len(channels) - 1)
    if image_size % shrunk:
        raise CheckpointError(
            f"{folder} halves images {len(channels) - 1} times: give an --image-size that {shrunk} divides"
        )
    side = image_size // shrunk
    tables = {
        "data": {"name": "folder", "root": str(images), "image_size": image_size, "channels": config["in_channels"]},
        "model": {
            "network": "autoencoder-kl",
            "channels": channels,
            "blocks": config["layers_per_block"],
            "groups": config["norm_num_groups"],
            "latent_channels": latent_channels,
            "latent_dim": latent_channels * side * side,
        },
        "likelihood": {"name": "gaussian", "sigma": sigma},
    }
    try:
        recipe, _ = parse(tables, source=str(folder / "config.json"))
        vae = VAE(recipe, (config["in_channels"], image_size, image_size))
    except RecipeError as error:
        raise CheckpointError(f"{folder}: {error}; a smaller --image-size has fewer latents") from error
    weights, source = _read_weights(folder)
    load_weights(vae, _renamed(weights, vae), source=source)
    return vae.eval()


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"; is {folder / 'vae'} the folder?" if (folder / "vae" / "config.json").is_file() else ""
        raise CheckpointError(f"{path} cannot be read: {error.strerror}{hint}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(given, dict) or given.get("_class_name") != "AutoencoderKL":
        found = given.get("_class_name") if isinstance(given, dict) else type(given).__name__
        raise CheckpointError(f'{path}: expected "_class_name": "AutoencoderKL", got {found!r}')
    defaults = {"in_channels": 3, "out_channels": 3, "block_out_channels": [64], "layers_per_block": 1}
    config = {**defaults, "latent_channels": 4, "norm_num_groups": 32, "act_fn": "silu", **given}
    problems = [
        f"{key}: expected a whole number above 0, got {config[key]!r}" for key in _COUNTS if not _is_count(config[key])
    ]
    widths = config["block_out_channels"]
    if not isinstance(widths, list) or not widths or not all(map(_is_count, widths)):
        problems.append(f"block_out_channels: expected a list of whole numbers above 0, got {widths!r}")
    problems += [
        f"{key}: expected {wanted} alone, got {config[key]!r}"
        for key, wanted in _BLOCKS.items()
        if key in config and (not isinstance(config[key], list) or any(kind != wanted for kind in config[key]))
    ]
    if config["act_fn"] != "silu":
        problems.append(f'act_fn: expected "silu", got {config["act_fn"]!r}')
    if config["in_channels"] != config["out_channels"] or config["in_channels"] not in (1, 3):
        problems.append(
            f"in_channels and out_channels: expected 1 or 3 both, got {config['in_channels']} and {config['out_channels']}"
        )
    if config.get("mid_block_add_attention", True) is not True:
        problems.append("mid_block_add_attention: expected true")
    if problems:
        raise CheckpointError(f"{path} is of another AutoencoderKL than is known here: {'; '.join(problems)}")
    return config


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _read_weights(folder: Path) -> tuple[dict[str, Tensor], Path]:
    files = sorted(folder.glob("*.safetensors"), key=lambda path: ("fp16" in path.name, path.name))
    if not files:
        old = next(iter(folder.glob("*.bin")), None)
        hint = f" ({old.name} is pickled, which is not opened: save it anew with safetensors)" if old else ""
        raise CheckpointError(f"{folder} holds no .safetensors{hint}; expected diffusion_pytorch_model.safetensors")
    try:
        return load_file(files[0]), files[0]
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{files[0]} cannot be read: {error}") from error


def _renamed(weights: dict[str, Tensor], vae: VAE) -> dict[str, Tensor]:
    """The weights by our names, as float32; without the convolutions beside the latents, which some leave out, those change nothing."""
    names = {"quant_conv.": "encoder.quant_conv.", "post_quant_conv.": "decoder.post_quant_conv."}
    found = {}
    for name, tensor in weights.items():
        ours = next((new + name.removeprefix(old) for old, new in names.items() if name.startswith(old)), name)
        ours = re.sub(
            r"(attentions\.\d+\.)(query|key|value|proj_attn)\.",
            lambda match: f"{match[1]}{_OLD_NAMES[match[2]]}.",
            ours,
        )
        wanted = vae.state_dict().get(ours)
        # Layers of attention were convolutions of one pixel once.
        reshaped = wanted is not None and tensor.numel() == wanted.numel() and ".attentions." in ours
        found[ours] = (tensor.view(wanted.shape) if reshaped and wanted is not None else tensor).float()
    for prefix in names.values():
        if f"{prefix}weight" not in found:
            width = vae.state_dict()[f"{prefix}weight"].shape[0]
            found |= {f"{prefix}weight": torch.eye(width)[:, :, None, None], f"{prefix}bias": torch.zeros(width)}
    return found
