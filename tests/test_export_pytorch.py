"""Runs as modules of PyTorch: source that is read, and opened where importing vae-tui fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from conftest import Cli, MakeRun, train_events
from test_own_networks import NETWORKS

from vae_tui.errors import VaeTuiError
from vae_tui.model import VAE, build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.pytorch_file import write_pytorch
from vae_tui.recipe import parse

pytestmark = pytest.mark.slow

OPENED_ELSEWHERE = """
import importlib.util
import sys
sys.modules["vae_tui"] = None
import torch
from safetensors.torch import save_file
folder, name = sys.argv[1:]
spec = importlib.util.spec_from_file_location("opened", f"{folder}/{name}.py")
opened = importlib.util.module_from_spec(spec)
spec.loader.exec_module(opened)
vae = opened.load()
images = torch.linspace(0, 1, 5 * 48).view(5, 1, 8, 6)
mean, log_variance = vae.encode(images)
found = {"mean": mean, "log_variance": log_variance, "decoded": vae.decode(mean), "sampled": vae.sample(3, seed=7)}
save_file({key: value.contiguous() for key, value in found.items()}, f"{folder}/found.safetensors")
"""

MODELS: dict[str, dict[str, Any]] = {
    "gated, vamp": {"model": {"network": "gated", "hidden": [16]}, "prior": {"name": "vamp", "components": 5}},
    "conv, batch norm, full": {
        "model": {
            "network": "conv",
            "channels": [4, 6],
            "norm": "batch",
            "pool": 2,
            "dense": [12],
            "posterior": "full",
        },
        "likelihood": {"name": "continuous-bernoulli"},
    },
    "conv, group norm, flow, class prior": {
        "model": {"network": "conv", "channels": [4, 8], "norm": "group", "posterior": "iaf", "condition": "label"},
        "prior": {"name": "class"},
    },
    "resnet, scales, mixture": {
        "model": {"network": "resnet", "channels": [4, 6], "condition": "label", "label_dropout": 0.1},
        "likelihood": {"name": "laplace", "scale": "per-pixel"},
        "prior": {"name": "mixture", "components": 3},
    },
    "ladder": {
        "model": {"network": "ladder", "hidden": [8], "latent_dim": 4},
        "likelihood": {"name": "gaussian", "sigma": "optimal"},
    },
    "ladder, vamp": {
        "model": {"network": "ladder", "hidden": [8], "latent_dim": 5},
        "prior": {"name": "vamp", "components": 4},
    },
    "codes of a book": {
        "model": {"hidden": [8], "posterior": "vq", "latent_dim": 8},
        "likelihood": {"name": "gaussian", "sigma": "learned"},
    },
    "levels": {"model": {"hidden": [8], "posterior": "fsq", "latent_dim": 8}},
    "mlp, given the class": {
        "model": {"hidden": [8], "activation": "leaky_relu", "condition": "label"},
        "likelihood": {"name": "discretized-logistic", "scale": 0.1},
    },
}


def made(tables: dict[str, Any]) -> VAE:
    return build(parse(tables)[0], (3, 12, 10), class_count=4, seed=2).eval()


def own(code: str) -> VAE:
    model = {"network": "networks.py:Encoder,Decoder", "latent_dim": 3, "code": code}
    return build(parse({"model": model})[0], (1, 8, 6)).eval()


def test_a_run_is_opened_by_its_file_in_a_bare_interpreter(cli: Cli, make_run: MakeRun, tmp_path: Path) -> None:
    run, folder = make_run("train.epochs=1", "optimizer.ema_decay=0.9"), tmp_path / "modules"
    list(train_events(run))
    done = cli("export", run.path, "--pytorch", folder)
    assert done.stdout.splitlines() == [f"{folder}/run.safetensors", f"{folder}/run.py"]
    subprocess.run([sys.executable, "-I", "-c", OPENED_ELSEWHERE, str(folder), "run"], check=True)
    found = safetensors.torch.load_file(folder / "found.safetensors")
    vae = load_checkpoint(run.latest().path)  # with the averaged weights
    with torch.no_grad():
        mean, log_variance = vae.encode(torch.linspace(0, 1, 5 * 48).view(5, 1, 8, 6))
        expected = {"mean": mean, "log_variance": log_variance, "decoded": vae.decode(mean)}
    for name, value in (expected | {"sampled": vae.sample(3, seed=7)}).items():
        torch.testing.assert_close(found[name], value)


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_is_written_as_layers_with_their_sizes(name: str) -> None:
    vae = made(MODELS[name])
    written = write_pytorch(vae, "mine")
    assert written.error < 1e-4
    assert "vae_tui" not in written.source
    first = next(layer for layer in vae.encoder.modules() if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d))
    sizes = first.weight.shape[1], first.weight.shape[0]
    assert f"nn.{type(first).__name__}({sizes[0]}, {sizes[1]}" in written.source
    # What only training needs is left out.
    assert "def distortion" not in written.source


def test_networks_of_one_s_own_bring_their_code() -> None:
    code = NETWORKS.replace("import torch\n", "from __future__ import annotations\n\nimport torch\n", 1)
    written = write_pytorch(own(code), 'a "run" \\ of mine')
    assert written.error < 1e-4
    assert "class Encoder(nn.Module):\n    def __init__(self, image_shape, outputs):" in written.source
    assert "self.encoder = Encoder((1, 8, 6), 6)" in written.source


def test_a_likelihood_of_one_s_own_brings_its_code() -> None:
    code = """
import torch
from torch import nn

class Squares(nn.Module):
    outputs = 1

    def distortion(self, output, images):
        return (torch.sigmoid(output) - images).square().flatten(1).sum(1)

    def mean(self, output):
        return torch.sigmoid(output)
"""
    tables: dict[str, Any] = {"model": {"hidden": [4]}, "likelihood": {"name": "squares.py:Squares", "code": code}}
    written = write_pytorch(build(parse(tables)[0], (1, 8, 6)).eval(), "mine")
    assert "# squares.py, as this model was trained with it:" in written.source
    assert "self.likelihood = Squares()" in written.source


def test_code_that_cannot_be_part_of_such_a_file_is_refused() -> None:
    with pytest.raises(VaeTuiError, match=r"networks.py calls something load, as .*: --pt2 writes networks without"):
        write_pytorch(own(NETWORKS + "\ndef load():\n    return 3\n"), "mine")
    with pytest.raises(VaeTuiError, match=r"does not run without vae-tui, so it is not written: .*vae_tui"):
        write_pytorch(own(NETWORKS + "\nfrom vae_tui import __version__\n"), "mine")
