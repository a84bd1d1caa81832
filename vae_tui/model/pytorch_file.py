"""A VAE as a PyTorch module of its own: a file of source that anybody can read, and its weights.

What is written is run before it is: in a process that has no vae-tui, whose images and moments are compared with the VAE's.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

import vae_tui
from vae_tui.errors import VaeTuiError
from vae_tui.model.copied import CopiedCode
from vae_tui.model.exported import compare_outputs, example_inputs
from vae_tui.model.own import own_names
from vae_tui.model.vae import VAE

_IMPORTS: dict[str, tuple[Any, str]] = {
    "Path": (Path, "from pathlib import Path"),
    "torch": (torch, "import torch"),
    "load_file": (safetensors.torch.load_file, "from safetensors.torch import load_file"),
    "Tensor": (Tensor, "from torch import Tensor, nn"),
    "nn": (nn, "from torch import Tensor, nn"),
}
_DRAWN = 4
_OPENED = """
import importlib.util
import sys

sys.modules["vae_tui"] = None  # importing it fails
import torch
from safetensors.torch import load_file, save_file

folder = sys.argv[1]
spec = importlib.util.spec_from_file_location("exported", f"{folder}/vae.py")
exported = importlib.util.module_from_spec(spec)
sys.modules["exported"] = exported
spec.loader.exec_module(exported)
given = load_file(f"{folder}/given.safetensors")
labels = (given["labels"],) if "labels" in given else ()
vae = exported.load()
with torch.no_grad():
    mean, log_variance = vae.encode(given["images"], *labels)
    found = {"mean": mean, "log_variance": log_variance, "decoded": vae.decode(given["latent"], *labels)}
found["sampled"] = vae.sample(%d)
save_file({name: one.contiguous() for name, one in found.items()}, f"{folder}/found.safetensors")
"""


@dataclass(frozen=True)
class PytorchFile:
    """Source and weights (safetensors), which are to be called alike but for .py and .safetensors.

    `error` is how far off its outputs are, at most.
    """

    source: str
    weights: bytes
    error: float


def write_pytorch(vae: VAE, title: str) -> PytorchFile:
    """A VAE in evaluation mode, called `title`, as a module that needs torch and safetensors alone.

    Raises VaeTuiError where its networks are code that needs more, or where it is off by more than 1e-4.
    """
    copied = CopiedCode()
    own = _take_own(vae, copied)
    source = _compose(vae, title, copied, own)
    weights = safetensors.torch.save(copied.tensors, {"format": "pt"})
    error = _open_elsewhere(vae, source, weights)
    return PytorchFile(source, weights, error)


def _take_own(vae: VAE, copied: CopiedCode) -> dict[str, str]:
    """The code of what is the user's own, networks and a likelihood, by its file: that makes them itself."""
    model, likelihood = vae.recipe.model, vae.recipe.likelihood
    own: dict[str, str] = {}
    if likelihood.code is not None:
        file, _, name = likelihood.name.partition(":")
        copied.take(vae.likelihood, f"{name}()")
        own[file] = likelihood.code
    if model.code is not None:
        more = (vae.one_hot.width,) if vae.one_hot is not None else ()
        file, _, names = model.network.partition(":")
        made: tuple[tuple[nn.Module, tuple[Any, ...]], ...] = (
            (vae.encoder, (vae.image_shape, vae.posterior.size, *more)),
            (vae.decoder, (vae.latent_dim, vae.image_shape, vae.likelihood.outputs, *more)),
        )
        for name, (network, arguments) in zip(names.split(","), made, strict=True):
            copied.take(network, f"{name}({', '.join(map(repr, arguments))})")
        own[file] = model.code
    return own


def _compose(vae: VAE, title: str, copied: CopiedCode, own: dict[str, str]) -> str:
    """The whole source."""
    parts = {"encoder": copied.build(vae.encoder, "encoder"), "decoder": copied.build(vae.decoder, "decoder")}
    quantised = hasattr(vae.posterior, "symbols")  # latents are put at codes
    parts["posterior"] = copied.build(
        vae.posterior, "posterior", called=("moments", "symbols", "latents") if quantised else ("moments",)
    )
    parts["likelihood"] = copied.build(vae.likelihood, "likelihood", called=("mean",))
    by_class = vae.recipe.prior.name == "class"
    parts["prior"] = copied.build(vae.prior, "prior", called=("given",) if by_class else ("draw",))
    if vae.one_hot is not None:
        parts["one_hot"] = copied.build(vae.one_hot, "one_hot")
    imports = copied.imports | _IMPORTS
    _check_names(own, imports | copied.definitions)
    made = "\n".join(f"self.{name} = {expression}" for name, expression in parts.items())
    kind = _KIND.format(
        made=textwrap.indent(made, " " * 8),
        methods=_methods(vae, quantised=quantised, by_class=by_class),
        shape=_shape_of(vae),
        latent_dim=vae.latent_dim,
        classes=f", given one of {vae.class_count} classes" if vae.class_count else "",
    )
    above = [source.rstrip() for _, source in copied.definitions.values()]
    for file, code in own.items():
        code = re.sub(r"^from __future__ import .*\n", "", code, flags=re.MULTILINE).strip("\n")
        above.insert(0, f"# {file}, as this model was trained with it:\n\n{code}\n\n# The end of {file}.")
    head = _HEAD.format(
        title=_escape(title),
        network=_escape(vae.network_name),
        version=vae_tui.__version__,
        labels=_LABELS.format(last=vae.class_count - 1, none=" or -1 for none" if vae.knows_no_label else "")
        if vae.class_count
        else "",
        imports=_sort(line for _, line in imports.values()),
    )
    return "\n\n\n".join([head, *above, kind.rstrip(), _LOAD])


def _sort(imports: Iterable[str]) -> str:
    """Python's own first."""
    ours: list[str] = []
    others: list[str] = []
    for line in sorted(set(imports), key=lambda line: (line.startswith("from"), line)):
        (ours if line.split()[1].partition(".")[0] in sys.stdlib_module_names else others).append(line)
    return "\n".join([*ours, "", *others])


def _check_names(own: dict[str, str], named: dict[str, tuple[Any, str]]) -> None:
    """Raise VaeTuiError where code of the user's own gives a name to something else than the rest of the file does."""
    taken: dict[str, Any] = {"VAE": None, "load": None} | {name: value for name, (value, _) in named.items()}
    for file, code in own.items():
        theirs = {name: value for name, value in own_names(file, code).items() if not name.startswith("__")}
        if twice := [name for name in theirs if name in taken and theirs[name] is not taken[name]]:
            raise VaeTuiError(
                f"{file} calls something {twice[0]}, as the file to write calls something else, so the two cannot be "
                "one file: --pt2 writes networks without their source"
            )
        taken |= theirs


def _open_elsewhere(vae: VAE, source: str, weights: bytes) -> float:
    """How far off the file's outputs are in a process without vae-tui."""
    images, latent, *labels = example_inputs(vae)
    with torch.no_grad():
        mean, log_variance = vae.encode(images, *labels)
        expected = {"mean": mean, "log_variance": log_variance, "decoded": vae.decode(latent, *labels)}
    expected["sampled"] = vae.sample(_DRAWN)
    with tempfile.TemporaryDirectory(prefix="vae-tui-") as folder:
        here = Path(folder)
        (here / "vae.py").write_text(source, encoding="utf-8")
        (here / "vae.safetensors").write_bytes(weights)
        given = {"images": images, "latent": latent} | ({"labels": labels[0]} if labels else {})
        safetensors.torch.save_file(given, here / "given.safetensors")
        command = [sys.executable, "-c", _OPENED % _DRAWN, folder]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=folder)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise VaeTuiError(f"the module does not run without vae-tui, so it is not written: {reason}")
        found = safetensors.torch.load_file(here / "found.safetensors")
    return compare_outputs([(expected[name], found[name]) for name in expected], "module", "PyTorch source")


def _escape(text: str) -> str:
    """As it stands in a docstring."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _shape_of(vae: VAE) -> str:
    return ", ".join(map(str, vae.image_shape))


def _methods(vae: VAE, *, quantised: bool, by_class: bool) -> str:
    given = ", labels: Tensor | None = None" if vae.class_count else ""
    here, there = (f", self._codes(labels, {beside})" if given else "" for beside in ("images", "latent"))
    return _METHODS.format(
        given=given,
        images=f"images{here}",
        latent=f"latent{there}",
        nearest="        latent = self.posterior.latents(self.posterior.symbols(latent))\n" if quantised else "",
        prior="self.prior.given(self._labels(labels, count, self.prior.means.device))" if by_class else "self.prior",
        decoded="latent.to(device), labels" if given else "latent.to(device)",
        more=_CONDITIONAL.format(label=vae.label) if given else "",
    )


_HEAD = '''"""{title}: {network}.

A variational autoencoder in plain PyTorch, written by vae-tui {version}, which it does not need.

    vae = load()                              # the weights are beside this file, under the same name
    mean, log_variance = vae.encode(images)   # images (B, C, H, W) in [0, 1]
    images = vae.decode(latent)               # latents (B, Z)
    images = vae.sample(16)                   # draws from the prior
{labels}"""

from __future__ import annotations

{imports}'''

_LABELS = """
Each takes labels (B,) too, 0 to {last}{none}: encode(images, labels), decode(latent, labels),
sample(16, labels=labels).
"""

_KIND = '''class VAE(nn.Module):
    """Images ({shape}) in [0, 1] and {latent_dim} latents{classes}."""

    def __init__(self) -> None:
        super().__init__()
{made}

{methods}'''

_METHODS = '''    def encode(self, images: Tensor{given}) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, Z) of q(z|x) for images (B, C, H, W) in [0, 1]."""
        return self.posterior.moments(self.encoder({images}))

    def decode(self, latent: Tensor{given}) -> Tensor:
        """The expected image (B, C, H, W) in [0, 1] for each latent (B, Z)."""
{nearest}        return self.likelihood.mean(self.decoder({latent}))

    @torch.no_grad()
    def sample(self, count: int, *, seed: int = 0, temperature: float = 1.0{given}) -> Tensor:
        """Expected images (count, C, H, W) at draws from the prior, the same for the same seed."""
        device = next(self.parameters()).device
        generator = torch.Generator().manual_seed(seed)
        prior = {prior}
        latent = prior.draw(count, generator, temperature=temperature)
        return self.decode({decoded})
{more}'''

_CONDITIONAL = """
    def _codes(self, labels: Tensor | None, beside: Tensor) -> Tensor:
        return self.one_hot(self._labels(labels, len(beside), beside.device))

    def _labels(self, labels: Tensor | None, count: int, device: torch.device) -> Tensor:
        return torch.full((count,), {label}, device=device) if labels is None else labels.to(device)
"""

_LOAD = '''def load(path: str | Path | None = None, *, device: str = "cpu") -> VAE:
    """The trained VAE in evaluation mode, with the weights at `path`: those beside this file."""
    vae = VAE()
    vae.load_state_dict(load_file(path or Path(__file__).with_suffix(".safetensors")))
    return vae.to(device).eval()
'''
