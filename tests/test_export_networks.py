"""Networks as files of torch.export and ONNX, opened where there is no vae-tui."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import MakeRun, train_events
from typer.testing import CliRunner

from vae_tui.cli.main import app
from vae_tui.errors import CheckpointError, VaeTuiError
from vae_tui.model import build
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.exported import export_parts
from vae_tui.recipe import parse
from vae_tui.runs.layout import Run

pytestmark = pytest.mark.slow

OPENED_ELSEWHERE = """
import sys
import torch
folder = sys.argv[1]
encoder, decoder = (torch.export.load(f"{folder}/run-{part}.pt2").module() for part in ("encoder", "decoder"))
images = torch.linspace(0, 1, 5 * 48).view(5, 1, 8, 6)
mean, log_variance = encoder(images)
torch.save([mean, log_variance, decoder(mean)], f"{folder}/found.pt")
assert "vae_tui" not in sys.modules
"""


def export(run: Run, *options: str | Path) -> Any:
    arguments = ["export", run.path, *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def trained(make_run: MakeRun) -> Run:
    run = make_run("train.epochs=1")
    list(train_events(run))
    return run


def expected_of(run: Run) -> list[torch.Tensor]:
    vae = load_checkpoint(run.latest().path)
    with torch.no_grad():
        mean, log_variance = vae.encode(torch.linspace(0, 1, 5 * 48).view(5, 1, 8, 6))
        return [mean, log_variance, vae.decode(mean)]


def test_files_of_torch_are_opened_in_a_bare_interpreter(make_run: MakeRun, tmp_path: Path) -> None:
    run, folder = trained(make_run), tmp_path / "networks"
    done = export(run, "--pt2", folder)
    assert done.stdout.splitlines() == [f"{folder}/run-encoder.pt2", f"{folder}/run-decoder.pt2"]
    subprocess.run([sys.executable, "-I", "-c", OPENED_ELSEWHERE, str(folder)], check=True)
    for found, expected in zip(torch.load(folder / "found.pt"), expected_of(run), strict=True):
        torch.testing.assert_close(found, expected)


def test_onnx_makes_the_same_of_any_number_of_images(make_run: MakeRun, tmp_path: Path) -> None:
    run = trained(make_run)
    assert export(run, "--onnx", tmp_path).exit_code == 0
    encoder, decoder = (onnxruntime.InferenceSession(tmp_path / f"run-{part}.onnx") for part in ("encoder", "decoder"))
    mean, log_variance, images = expected_of(run)
    found = encoder.run(
        ["mean", "log_variance"], {"images": np.linspace(0, 1, 5 * 48, dtype=np.float32).reshape(5, 1, 8, 6)}
    )
    np.testing.assert_allclose(found[0], mean.numpy(), atol=1e-5)
    np.testing.assert_allclose(found[1], log_variance.numpy(), atol=1e-5)
    np.testing.assert_allclose(decoder.run(["images"], {"latent": mean.numpy()})[0], images.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        {"network": "conv", "channels": [4, 4], "norm": "batch", "pool": 2},
        {"network": "ladder", "hidden": [8], "latent_dim": 4},
    ],
    ids=lambda model: model["network"],
)
def test_other_networks_are_exported_within_a_ten_thousandth(model: dict[str, Any]) -> None:
    vae = build(parse({"model": model})[0], (1, 12, 12)).eval()
    for kind in ("pt2", "onnx"):
        parts = list(export_parts(vae, kind))
        assert [part.part for part in parts] == ["encoder", "decoder"]
        assert all(part.error < 1e-4 and part.content for part in parts)


def test_what_cannot_be_exported_says_so_and_writes_nothing(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = build(parse({"model": {"hidden": [8], "posterior": "iaf"}})[0], (1, 8, 6)).eval()
    with pytest.raises(VaeTuiError, match="the encoder cannot be exported as onnx"):
        list(export_parts(flow, "onnx"))
    run = trained(make_run)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(VaeTuiError, match=r"pip install 'vae-tui\[onnx\]'; pt2 files need torch alone"):
        export(run, "--onnx", tmp_path / "networks")
    assert not (tmp_path / "networks").exists()
    with pytest.raises(CheckpointError):
        export(make_run(name="untrained"), "--pt2", tmp_path / "networks")
    with pytest.raises(VaeTuiError, match=r"say where to: .* --onnx DIR or --pytorch DIR"):
        export(run)
