"""A VAE as files that need no vae-tui: its encoder and its decoder, as torch.export and ONNX have them.

The encoder is images (B, C, H, W) in [0, 1] -> mean and log-variance (B, Z) of q(z|x), the decoder latents (B, Z) -> expected
images (B, C, H, W) in [0, 1], for any B. Those of a conditional VAE take the labels (B,) too, int64, -1 for none.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterable, Iterator
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

    def forward(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.vae.encode(images, labels)


class _Decoder(nn.Module):
    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.vae.decode(latent, labels)


def export_parts(vae: VAE, kind: Format) -> Iterator[ExportedPart]:
    """Both parts of a VAE in evaluation mode, each run once, as other programs would run it, and compared with the VAE itself.

    Raises VaeTuiError where a part cannot be exported, where the packages for ONNX are missing, or where what comes of it is off
    by more than 1e-4.
    """
    images, latent, *labels = example_inputs(vae)
    parts: tuple[tuple[str, nn.Module, tuple[Tensor, ...]], ...] = (
        ("encoder", _Encoder(vae), (images, *labels)),
        ("decoder", _Decoder(vae), (latent, *labels)),
    )
    for part, module, examples in parts:
        with torch.no_grad():
            expected = _as_tuple(module(*examples))
            content, found = _write(part, module, examples, kind)
        yield ExportedPart(part, content, compare_outputs(zip(expected, found, strict=True), part, kind))


def example_inputs(vae: VAE) -> tuple[Tensor, ...]:
    """Images (B, C, H, W), latents (B, Z) and, of a conditional VAE, labels (B,) to compare by."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(_BATCH, *vae.image_shape, generator=generator)
    latent = torch.randn(_BATCH, vae.latent_dim, generator=generator)
    return (images, latent, torch.arange(_BATCH) % vae.class_count) if vae.class_count else (images, latent)


def compare_outputs(pairs: Iterable[tuple[Tensor, Tensor]], part: str, kind: str) -> float:
    """How far apart the outputs of a VAE and of what it is exported as are, at most; raises VaeTuiError where that is too far.

    A log-variance of -inf, that of a code, is as far off as it is from itself.
    """
    error = max(float(torch.where(mine == other, 0.0, (mine - other).abs()).max()) for mine, other in pairs)
    if not error <= _AGREE:
        raise VaeTuiError(f"the {part} as {kind} is off by {error:.2g}, more than {_AGREE:g}: it is not written")
    return error


def _write(
    part: str, module: nn.Module, examples: tuple[Tensor, ...], kind: Format
) -> tuple[bytes, tuple[Tensor, ...]]:
    """The file of a part, and what it makes of the examples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            batch = torch.export.Dim("batch", min=1)
            program = torch.export.export(module, examples, dynamic_shapes=tuple({0: batch} for _ in examples))
            if kind == "pt2":
                file = io.BytesIO()
                torch.export.save(program, file)
                loaded = torch.export.load(io.BytesIO(file.getvalue()))
                return file.getvalue(), _as_tuple(loaded.module()(*examples))
            return _write_onnx(program, part, examples)
        except (ImportError, VaeTuiError):
            raise
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise VaeTuiError(f"the {part} cannot be exported as {kind}: {type(error).__name__}: {reason}") from error


def _write_onnx(program: Any, part: str, examples: tuple[Tensor, ...]) -> tuple[bytes, tuple[Tensor, ...]]:
    try:
        import onnxruntime  # noqa: PLC0415 - it is optional, as what torch exports by is
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise VaeTuiError(
            f"ONNX needs the package {error.name}: pip install 'vae-tui[onnx]'; pt2 files need torch alone"
        ) from error
    inputs, outputs = (["images"], ["mean", "log_variance"]) if part == "encoder" else (["latent"], ["images"])
    inputs = [*inputs, "labels"][: len(examples)]
    exported: Any = torch.onnx.export(program, dynamo=True, verbose=False, input_names=inputs, output_names=outputs)
    content: bytes = exported.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {one.name: example.numpy() for one, example in zip(session.get_inputs(), examples, strict=True)}
    found = session.run(None, given)
    return content, tuple(torch.from_numpy(np.asarray(value)) for value in found)


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
