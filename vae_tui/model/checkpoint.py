"""A VAE as one safetensors file that loads alone: weights, with the recipe and the figures as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

import vae_tui
from vae_tui.errors import CheckpointError, RecipeError
from vae_tui.model.vae import VAE
from vae_tui.recipe import parse
from vae_tui.runs.metadata import read_metadata

_AVERAGED = "ema."


def encode_checkpoint(vae: VAE, averaged: VAE | None, facts: Mapping[str, Any]) -> bytes:
    """The file's bytes; `averaged` holds the EMA weights, `facts` go beside the recipe in the metadata."""
    tensors = dict(vae.state_dict())
    if averaged is not None:
        tensors |= {_AVERAGED + name: tensor for name, tensor in averaged.state_dict().items()}
    metadata = {
        "version": vae_tui.__version__,
        "recipe": vae.recipe.resolved(),
        "image_shape": list(vae.image_shape),
        **facts,
    }
    return encode_tensors(tensors, metadata)


def load_checkpoint(path: Path, *, device: str = "cpu", averaged: bool = True) -> VAE:
    """The VAE in a file, in evaluation mode: with its EMA weights where it has them, or, not `averaged`, its plain ones.

    Raises CheckpointError for a file that is missing, damaged, cut short or not one of ours.
    """
    tensors, metadata = read_tensors(path)
    try:
        recipe, _ = parse(metadata["recipe"], source=f"{path} (its recipe)")
        channels, height, width = (int(n) for n in metadata["image_shape"])
        vae = VAE(recipe, (channels, height, width))
    except (KeyError, TypeError, ValueError, RecipeError) as error:
        raise CheckpointError(f"{path} does not hold a VAE this version knows: {error}") from error
    ema = {name.removeprefix(_AVERAGED): t for name, t in tensors.items() if name.startswith(_AVERAGED)}
    plain = {name: t for name, t in tensors.items() if not name.startswith(_AVERAGED)}
    load_weights(vae, ema if ema and averaged else plain, source=path)
    return vae.to(device).eval()


def load_weights(vae: VAE, weights: Mapping[str, Tensor], *, source: Path) -> None:
    """Put weights into a VAE; raises CheckpointError naming each tensor that is missing, unknown or of another shape."""
    wanted = vae.state_dict()
    problems = [f"{name} is missing" for name in wanted.keys() - weights.keys()]
    problems += [f"{name} is unknown" for name in weights.keys() - wanted.keys()]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, expected {tuple(wanted[name].shape)}"
        for name in wanted.keys() & weights.keys()
        if weights[name].shape != wanted[name].shape
    ]
    if problems:
        listed = "; ".join(sorted(problems)[:6]) + (f"; and {len(problems) - 6} more" if len(problems) > 6 else "")
        raise CheckpointError(f"{source} does not fit {vae.network_name}: {listed}")
    vae.load_state_dict(dict(weights))


def encode_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    """Tensors as safetensors, with one JSON document under `vae_tui` in the header."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(on_cpu, {"vae_tui": json.dumps(metadata, allow_nan=False)})


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the metadata of a file of ours; raises CheckpointError where it is none or broken."""
    metadata = read_metadata(path)
    try:
        return safetensors.torch.load(path.read_bytes()), metadata
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or was cut short: {error}") from error


def all_finite(vae: VAE) -> bool:
    """Whether no weight is NaN or infinite."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in vae.parameters())
