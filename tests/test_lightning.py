"""A Lightning Trainer's run, where Lightning is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import vae_tui

try:
    lightning: Any = __import__("lightning.pytorch").pytorch
except ModuleNotFoundError:
    lightning = None

needs_lightning = pytest.mark.skipif(lightning is None, reason="needs Lightning: pip install lightning")


def make_module(*, fails: bool = False) -> Any:
    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def training_step(self, batch: Tensor, index: int) -> Tensor:
            if fails and index == 3:
                raise ZeroDivisionError("one by none")
            distortion = (self.layer(batch) - batch).square().sum(1).mean()
            self.log_dict({"train_recon": distortion, "train_rate": distortion * 0}, on_step=True, on_epoch=True)
            return distortion

        def validation_step(self, batch: Tensor, index: int) -> None:
            distortion = (self.layer(batch) - batch).square().sum(1).mean()
            self.log_dict({"val_recon": distortion, "val_rate": distortion * 0})

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    return Module()


def fit(callback: Any, folder: Path, **module: bool) -> None:
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[callback],
        default_root_dir=folder,
        logger=False,
        **{f"enable_{what}": False for what in ("progress_bar", "checkpointing", "model_summary")},
    )
    data: Any = torch.rand(40, 4)
    trainer.fit(make_module(**module), DataLoader(data, batch_size=8), DataLoader(data, batch_size=8))


@needs_lightning
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_trainer_s_run_is_watched(tmp_path: Path) -> None:
    from vae_tui.lightning import WatchCallback

    callback = WatchCallback(
        "mine", runs_dir=tmp_path, figures={"distortion": "recon"}, samples=lambda module: torch.rand(4, 1, 5, 5)
    )
    fit(callback, tmp_path)
    feed = vae_tui.watch("mine", runs_dir=tmp_path)
    history = feed.history
    assert (feed.status.phase, history.step, history.epoch, history.epochs) == ("completed", 10, 2, 2)
    assert len(history.validation["negative_elbo"]) == 2
    assert history.train["lr"].values[-1] == 0.01
    assert set(history.now.images) == {"samples"}
    assert history.recipe["model"] == {"network": "Module"}


@needs_lightning
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_trainer_that_fails_says_so(tmp_path: Path) -> None:
    from vae_tui.lightning import WatchCallback

    with pytest.raises(ZeroDivisionError):
        fit(WatchCallback("mine", runs_dir=tmp_path), tmp_path, fails=True)
    history = vae_tui.watch("mine", runs_dir=tmp_path).history
    assert history.finished is not None
    assert history.finished.sentence == "failed: ZeroDivisionError: one by none"


def test_without_lightning_it_is_said_how_to_get_it() -> None:
    code = "import sys; sys.modules.update({'lightning': None, 'pytorch_lightning': None}); import vae_tui.lightning"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("needs Lightning, which is not installed: pip install lightning")
