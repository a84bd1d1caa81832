"""A VAE as files that need no vae-tui: its encoder and its decoder, as torch.export and ONNX have them.

The encoder is images (B, C, H, W) in [0, 1] -> mean and log-variance (B, Z) of q(z|x), the decoder latents (B, Z) -> expected
images (B, C, H, W) in [0, 1], for any B.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from vae_tui.errors import VaeTuiError
from vae_tui.model.vae import VAE

Format = Literal["pt2", "onnx"]
_BATCH = 3
_AGREE = 1e-4


@dataclass(frozen=True)
class ExportedPart:
    """The content of a file: `part` is "encoder" or "decoder", `error` how far off its outputs are, at most."""

    part: str
    content: bytes
    error: float


class _Encoder(nn.Module):
    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.vae.encode(images)


class _Decoder(nn.Module):
    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latent: Tensor) -> Tensor:
        return self.vae.decode(latent)


def export_parts(vae: VAE, kind: Format) -> Iterator[ExportedPart]:
    """Both parts of a VAE in evaluation mode, each run once, as other programs would run it, and compared with the VAE itself.

    Raises VaeTuiError where a part cannot be exported, where the packages for ONNX are missing, or where what comes of it is off
    by more than 1e-4.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(_BATCH, *vae.image_shape, generator=generator)
    latent = torch.randn(_BATCH, vae.latent_dim, generator=generator)
    parts: tuple[tuple[str, nn.Module, Tensor], ...] = (
        ("encoder", _Encoder(vae), images),
        ("decoder", _Decoder(vae), latent),
    )
    for part, module, example in parts:
        with torch.no_grad():
            expected = _as_tuple(module(example))
            content, found = _write(part, module, example, kind)
        error = max(float((mine - other).abs().max()) for mine, other in zip(expected, found, strict=True))
        if not error <= _AGREE:
            raise VaeTuiError(f"the {part} as {kind} is off by {error:.2g}, more than {_AGREE:g}: it is not written")
        yield ExportedPart(part, content, error)


def _write(part: str, module: nn.Module, example: Tensor, kind: Format) -> tuple[bytes, tuple[Tensor, ...]]:
    """The file of a part, and what it makes of the example."""
    onnx_name = "images" if part == "encoder" else "latent"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            batch = torch.export.Dim("batch", min=1)
            program = torch.export.export(module, (example,), dynamic_shapes=({0: batch},))
            if kind == "pt2":
                file = io.BytesIO()
                torch.export.save(program, file)
                loaded = torch.export.load(io.BytesIO(file.getvalue()))
                return file.getvalue(), _as_tuple(loaded.module()(example))
            return _write_onnx(program, onnx_name, example)
        except (ImportError, VaeTuiError):
            raise
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise VaeTuiError(f"the {part} cannot be exported as {kind}: {type(error).__name__}: {reason}") from error


def _write_onnx(program: Any, name: str, example: Tensor) -> tuple[bytes, tuple[Tensor, ...]]:
    try:
        import onnxruntime  # noqa: PLC0415 - it is optional, as what torch exports by is
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise VaeTuiError(
            f"ONNX needs the package {error.name}: pip install 'vae-tui[onnx]'; pt2 files need torch alone"
        ) from error
    outputs = ["mean", "log_variance"] if name == "images" else ["images"]
    exported: Any = torch.onnx.export(program, dynamo=True, verbose=False, input_names=[name], output_names=outputs)
    content: bytes = exported.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: example.numpy()})
    return content, tuple(torch.from_numpy(np.asarray(value)) for value in found)


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
