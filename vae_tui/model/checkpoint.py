"""A VAE as one safetensors file that loads alone: weights, with the recipe and the figures as metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

import vae_tui
from vae_tui.errors import CheckpointError, DataError, RecipeError
from vae_tui.model.vae import VAE
from vae_tui.recipe import Recipe, parse
from vae_tui.runs.metadata import digest_tensors, read_header, read_whole, seal_metadata
from vae_tui.runs.trust import require_trust

_AVERAGED = "ema."
_DTYPES = {
    **{torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"},
    **{torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8"},
    **{torch.uint8: "U8", torch.bool: "BOOL"},
}
"""What safetensors calls each type."""

Shape = tuple[int, ...]


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
    recipe, image_shape, class_count = _read_architecture(path)
    tensors, _ = read_tensors(path)
    vae = VAE(recipe, image_shape, class_count)
    plain, ema = split_averaged(tensors)
    load_weights(vae, ema if ema and averaged else plain, source=path)
    return vae.to(device).eval()


def split_averaged(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The plain weights among a checkpoint's tensors, and the EMA weights, by the names a VAE has for them."""
    ema = {name.removeprefix(_AVERAGED): t for name, t in tensors.items() if name.startswith(_AVERAGED)}
    return {name: t for name, t in tensors.items() if not name.startswith(_AVERAGED)}, ema


def _read_architecture(path: Path) -> tuple[Recipe, tuple[int, int, int], int]:
    """The recipe, the image shape and the number of classes of a checkpoint whose tensors fit them, by its header alone.

    What a file says of itself takes no memory before it is known to be so. Raises CheckpointError.
    """
    header = read_header(path)
    metadata, stored = header.metadata, header.tensors
    try:
        recipe, _ = parse(metadata["recipe"], source=f"{path} (its recipe)")
        channels, height, width = metadata["image_shape"]
        require_trust(recipe, str(path))
        sizes = (*recipe.model.hidden, *recipe.model.channels, *recipe.model.dense)
        if len(sizes) > len(stored):
            raise ValueError(f"it has more layers than tensors ({len(stored)})")
        class_count = len(metadata.get("class_names", []))
        with torch.device("meta"):
            wanted = VAE(recipe, (channels, height, width), class_count)
    except (KeyError, TypeError, ValueError, RuntimeError, RecipeError, DataError) as error:
        raise CheckpointError(f"{path} does not hold a VAE this version knows: {error}") from error
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.state_dict().items()}
    plain = {name: tensor.shape for name, tensor in stored.items() if not name.startswith(_AVERAGED)}
    _check_shapes(shapes, plain, wanted.network_name, path)
    return recipe, (channels, height, width), class_count


def load_weights(vae: VAE, weights: Mapping[str, Tensor], *, source: Path) -> None:
    """Put weights into a VAE; raises CheckpointError naming each tensor that is missing, unknown or of another shape."""
    wanted = {name: tuple(tensor.shape) for name, tensor in vae.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    _check_shapes(wanted, found, vae.network_name, source)
    vae.load_state_dict(dict(weights))


def _check_shapes(wanted: Mapping[str, Shape], found: Mapping[str, Shape], network: str, source: Path) -> None:
    problems = [f"{name} is missing" for name in wanted.keys() - found.keys()]
    problems += [f"{name} is unknown" for name in found.keys() - wanted.keys()]
    problems += [
        f"{name} is {found[name]}, expected {wanted[name]}"
        for name in wanted.keys() & found.keys()
        if found[name] != wanted[name]
    ]
    if problems:
        listed = "; ".join(sorted(problems)[:6]) + (f"; and {len(problems) - 6} more" if len(problems) > 6 else "")
        raise CheckpointError(f"{source} does not fit {network}: {listed}")


def encode_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    """Tensors as safetensors, with one JSON document under `vae_tui` in the header, and digests of both."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    sealed = seal_metadata({**metadata, "tensors_sha256": tensors_digest(on_cpu)})
    return safetensors.torch.save(on_cpu, sealed)


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 by which tensors on the CPU are known in a file's metadata."""
    return digest_tensors(
        (name, _DTYPES[tensor.dtype], tuple(tensor.shape), (tensor.reshape(-1).view(torch.uint8).numpy().data,))
        for name, tensor in sorted(tensors.items())
    )


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the metadata of a file of ours; raises CheckpointError where it is none or broken."""
    content, header = read_whole(path)
    try:
        return safetensors.torch.load(content), header.metadata
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or was cut short: {error}") from error


def all_finite(vae: VAE) -> bool:
    """Whether no weight is NaN or infinite."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in vae.parameters())
