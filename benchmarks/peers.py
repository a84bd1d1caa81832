"""The loops that others train the same network with, each in a process of its own.

    pip install -e '.[bench]'
    python benchmarks/peers.py PEER PROBLEM ANSWER --seconds 10     (the benchmarks start it so)

- examples: the loop of pytorch/examples' `vae`: a DataLoader over PIL images through ToTensor, cross-entropy on sigmoid
  outputs, Adam as it comes, `.item()` every step.
- pythae: BaseTrainer of pythae 0.1.2, with its VAE around the network and its own Dataset, from its documentation.
- lightning: a LightningModule with the Trainer's defaults, over the same DataLoader as examples.
- bare: a tight loop by hand: uint8 images resident, shuffled by randperm and gathered, losses from logits, fused Adam,
  one `.item()` an epoch.
- limit: no training, only the matrix products and convolutions of a step, forward and backward, back to back, in the
  memory layout that suits them better.

All are written from documentation; none is tuned beyond it. A PROBLEM is a folder with the images and the network, made
by `pose`: the network is a pair of plain torch modules, pickled, so that a peer imports nothing of ours. pythae 0.1.2
installs beside any torch; the backport of `dataclasses` it asks for is never imported, the standard library comes first.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from limit import run_limit, synchronize
from turns import Unavailable

NEEDS = {"examples": "torchvision", "pythae": "pythae", "lightning": "lightning", "bare": "torch", "limit": "torch"}
VALIDATION_BATCH = 500


# In the process that asks ------------------------------------------------------------------------------------------


def pose(recipe: Any, folder: Path, *, data_root: Path) -> Path:
    """Write down what a recipe trains, on which images, for peers to do the same."""
    import numpy as np
    import torch

    from vae_tui.data import load_image_sets
    from vae_tui.model.networks import build_networks

    sets = load_image_sets(recipe.data, seed=recipe.train.seed, data_root=data_root, progress=lambda *_: None)
    shape = tuple(sets.train.pixels.shape[1:])
    folder.mkdir(parents=True, exist_ok=True)
    networks = build_networks(recipe.model, shape)
    torch.save((networks.encoder, networks.decoder), folder / "network.pt")
    np.save(folder / "train.npy", sets.train.pixels.numpy())
    if sets.validation is not None:
        np.save(folder / "validation.npy", sets.validation.pixels.numpy())
    settings = {
        "image_shape": shape,
        "latent_dim": recipe.model.latent_dim,
        "batch_size": recipe.train.batch_size,
        "lr": recipe.optimizer.lr,
        "dynamic": recipe.data.binarize == "dynamic",
        "sigma": recipe.likelihood.sigma if recipe.likelihood.name == "gaussian" else None,
    }
    (folder / "problem.json").write_text(json.dumps(settings))
    return folder


def start(peer: str, problem: Path, answer: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start a peer in a fresh interpreter; raises Unavailable where it is not installed."""
    if importlib.util.find_spec(NEEDS[peer]) is None:
        raise Unavailable(f"{NEEDS[peer]} is not installed; pip install -e '.[bench]'")
    command = [sys.executable, str(Path(__file__).resolve()), peer, str(problem), str(answer), *options]
    with answer.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def ask(peer: str, problem: Path, *options: str) -> dict[str, Any]:
    """Let a peer run to its end; raises Unavailable with its last words where it fails."""
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        answer = Path(folder) / "answer.json"
        status = start(peer, problem, answer, *options).wait()
        if status != 0 or not answer.exists():
            words = answer.with_suffix(".log").read_text(errors="replace").strip().splitlines()
            raise Unavailable(words[-1] if words else f"exit status {status}")
        answered: dict[str, Any] = json.loads(answer.read_text())
        return answered


# In the peer's process ---------------------------------------------------------------------------------------------


class Enough(BaseException):
    """What was to be measured has been; no Exception, so that nobody's trainer swallows it."""


class Observer(Protocol):
    """What a loop tells while it trains."""

    validates: bool

    def step(self, images: int) -> None:
        """So many images have been trained on."""

    def epoch(self, loss: float) -> None:
        """An epoch ended with this validation -ELBO, nats per image."""


class Meter:
    """Counts images from when the loop is warm, for so many seconds."""

    validates = False

    def __init__(self, warmup: float, seconds: float, synchronize: Callable[[], None]) -> None:
        self._warmup, self._seconds, self._synchronize = warmup, seconds, synchronize
        self._first: float | None = None
        self._warm: float | None = None
        self._images = 0
        self.answer: dict[str, Any] = {}

    def step(self, images: int) -> None:
        now = time.perf_counter()
        self._images += images
        if self._first is None:
            self._first = now
        if self._warm is None:
            if now - self._first >= self._warmup:
                self._synchronize()
                self._warm, self._images = time.perf_counter(), 0
                print("warm", flush=True)
        elif now - self._warm >= self._seconds:
            self._synchronize()
            seconds = time.perf_counter() - self._warm
            self.answer = {"images_per_second": self._images / seconds, "seconds": seconds}
            raise Enough

    def epoch(self, loss: float) -> None:
        pass


class Targets:
    """Takes down when each validation was known, in Unix seconds, until the last target is reached or time is up."""

    validates = True

    def __init__(self, last: float, seconds: float) -> None:
        self._last, self._end = last, time.time() + seconds
        self.answer: dict[str, Any] = {"validations": []}

    def step(self, images: int) -> None:
        if time.time() > self._end:
            raise Enough

    def epoch(self, loss: float) -> None:
        self.answer["validations"].append((time.time(), loss))
        if loss <= self._last:
            raise Enough


class Problem:
    """What `pose` wrote, read as it is asked for."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder, self.device = folder, device
        settings = json.loads((folder / "problem.json").read_text())
        self.shape: tuple[int, int, int] = tuple(settings["image_shape"])
        self.latent_dim: int = settings["latent_dim"]
        self.batch_size: int = settings["batch_size"]
        self.lr: float = settings["lr"]
        self.dynamic: bool = settings["dynamic"]
        self.sigma: float | None = settings["sigma"]

    def images(self, split: str = "train") -> Any:
        """uint8, (N, C, H, W), numpy."""
        import numpy as np

        return np.load(self._folder / f"{split}.npy")

    def network(self) -> Any:
        """Encoder (B, C, H, W) -> (B, 2 Z) and decoder (B, Z) -> (B, C, H, W), as one module."""
        import torch

        encoder, decoder = torch.load(self._folder / "network.pt", weights_only=False)
        return torch.nn.ModuleDict({"encoder": encoder, "decoder": decoder}).to(self.device)


def train_examples(problem: Problem, observer: Observer) -> None:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = problem.network()

        def forward(self, x: Any) -> Any:
            mean, log_variance = self.parts["encoder"](x).chunk(2, 1)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            return torch.sigmoid(self.parts["decoder"](z)), mean, log_variance

    net = Net().to(problem.device)
    optimizer = torch.optim.Adam(net.parameters(), lr=problem.lr)
    loader = _loader(problem, "train", problem.batch_size, shuffle=True)
    validation = _loader(problem, "validation", VALIDATION_BATCH, shuffle=False) if observer.validates else None
    while True:
        net.train()
        total = 0.0
        for number, (images, _) in enumerate(loader):
            x = images.to(problem.device)
            if problem.dynamic:
                x = torch.bernoulli(x)
            optimizer.zero_grad()
            loss = _loss_of_images(*net(x), x, problem.sigma)
            loss.backward()
            total += loss.item()
            optimizer.step()
            if number % 10 == 0:
                print(f"{number}/{len(loader)}  {loss.item() / len(x):.6f}")
            observer.step(len(x))
        if validation is not None:
            net.eval()
            with torch.no_grad():
                losses = [_loss_of_images(*net(x), x, problem.sigma).item() for x, _ in validation]
            observer.epoch(sum(losses) / len(validation.dataset))


def train_lightning(problem: Problem, observer: Observer) -> None:
    import lightning
    import torch

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.parts = problem.network()

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            x, _ = batch
            if problem.dynamic:
                x = torch.bernoulli(x)
            mean, log_variance = self.parts["encoder"](x).chunk(2, 1)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            output = torch.sigmoid(self.parts["decoder"](z))
            loss = _loss_of_images(output, mean, log_variance, x, problem.sigma) / len(x)
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=problem.lr)

    class Told(lightning.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            observer.step(len(batch[0]))

    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        accelerator = "gpu" if problem.device.startswith("cuda") else "cpu"
        trainer = lightning.Trainer(
            accelerator=accelerator, devices=1, max_epochs=-1, callbacks=[Told()], default_root_dir=folder
        )
        trainer.fit(Module(), _loader(problem, "train", problem.batch_size, shuffle=True))


def train_pythae(problem: Problem, observer: Observer) -> None:
    import torch
    from pythae.data.datasets import BaseDataset, DatasetOutput
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    network = problem.network()

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            BaseEncoder.__init__(self)
            self.network = network["encoder"]

        def forward(self, x: Any) -> Any:
            mean, log_variance = self.network(x).chunk(2, 1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            BaseDecoder.__init__(self)
            self.network = network["decoder"]

        def forward(self, z: Any) -> Any:
            return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))

    class Drawn(BaseDataset):
        """Black or white, drawn anew each time."""

        def __getitem__(self, index: int) -> Any:
            return DatasetOutput(data=torch.bernoulli(self.data[index]), labels=self.labels[index])

    def read(split: str, kind: type) -> Any:
        pixels = torch.from_numpy(problem.images(split)).float() / 255
        return kind(pixels, torch.zeros(len(pixels)))

    train = read("train", Drawn if problem.dynamic else BaseDataset)

    class Told(TrainingCallback):
        left = len(train)

        def on_train_step_end(self, training_config: Any, **_: Any) -> None:
            images = min(self.left, problem.batch_size)
            self.left = self.left - images or len(train)
            observer.step(images)

        def on_log(self, training_config: Any, logs: Any, **_: Any) -> None:
            if observer.validates:
                observer.epoch(logs["eval_epoch_loss"])

    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as folder:
        loss = "bce" if problem.sigma is None else "mse"
        config = VAEConfig(input_dim=problem.shape, latent_dim=problem.latent_dim, reconstruction_loss=loss)
        BaseTrainer(
            model=VAE(config, encoder=Encoder(), decoder=Decoder()),
            train_dataset=train,
            eval_dataset=read("validation", BaseDataset) if observer.validates else None,
            training_config=BaseTrainerConfig(
                output_dir=folder,
                num_epochs=1_000_000,
                learning_rate=problem.lr,
                per_device_train_batch_size=problem.batch_size,
                per_device_eval_batch_size=VALIDATION_BATCH,
                no_cuda=not problem.device.startswith("cuda"),
            ),
            callbacks=[Told()],
        ).train()


def train_bare(problem: Problem, observer: Observer) -> None:
    import torch

    pixels = torch.from_numpy(problem.images()).to(problem.device)
    network = problem.network()
    encoder, decoder = network["encoder"], network["decoder"]
    optimizer = torch.optim.Adam(network.parameters(), lr=problem.lr, fused=True)

    def loss_of(x: Any) -> Any:
        mean, log_variance = encoder(x).chunk(2, 1)
        output = decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
        rate = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
        if problem.sigma is not None:
            return (torch.sigmoid(output) - x).square().sum() / (2 * problem.sigma**2) + rate
        return torch.nn.functional.binary_cross_entropy_with_logits(output, x, reduction="sum") + rate

    validation = torch.from_numpy(problem.images("validation")).to(problem.device) if observer.validates else None
    while True:
        order = torch.randperm(len(pixels), device=problem.device)
        total = torch.zeros((), device=problem.device)
        for chosen in order.split(problem.batch_size):
            x = pixels[chosen].float().div_(255)
            if problem.dynamic:
                x = torch.bernoulli(x)
            loss = loss_of(x) / len(x)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
            observer.step(len(x))
        total.item()
        if validation is not None:
            with torch.no_grad():
                losses = [loss_of(x.float() / 255).item() for x in validation.split(VALIDATION_BATCH)]
            observer.epoch(sum(losses) / len(validation))


def _loader(problem: Problem, split: str, batch_size: int, *, shuffle: bool) -> Any:
    """A DataLoader over PIL images through ToTensor, item by item, as torchvision's MNIST makes them."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import ToTensor

    pixels, transform = problem.images(split), ToTensor()

    class Pictures(Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(pixels)

        def __getitem__(self, index: int) -> Any:
            image = pixels[index]
            picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
            return transform(picture), 0

    on_gpu = {"num_workers": 1, "pin_memory": True} if problem.device.startswith("cuda") else {}
    return DataLoader(Pictures(), batch_size=batch_size, shuffle=shuffle, **on_gpu)


def _loss_of_images(output: Any, mean: Any, log_variance: Any, x: Any, sigma: float | None) -> Any:
    """-ELBO from pixels through a sigmoid, nats summed over the batch."""
    import torch

    if sigma is None:
        distortion = torch.nn.functional.binary_cross_entropy(output, x, reduction="sum")
    else:
        distortion = torch.nn.functional.mse_loss(output, x, reduction="sum") / (2 * sigma**2)
    return distortion - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


PEERS = {
    "examples": train_examples,
    "pythae": train_pythae,
    "lightning": train_lightning,
    "bare": train_bare,
    "limit": run_limit,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("problem", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--warmup", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--until", type=float, help="validate every epoch, until this -ELBO or --seconds")
    parser.add_argument("--threads", default="auto")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    import torch

    if given.threads != "auto":
        torch.set_num_threads(int(given.threads))
    problem = Problem(given.problem, given.device)
    observer: Meter | Targets
    if given.until is None:
        observer = Meter(given.warmup, given.seconds, lambda: synchronize(given.device))
    else:
        observer = Targets(given.until, given.seconds)
    with contextlib.suppress(Enough):
        PEERS[given.peer](problem, observer)
    parameters = sum(parameter.numel() for parameter in problem.network().parameters())
    facts = {"threads": torch.get_num_threads(), "parameters": parameters}
    given.answer.write_text(json.dumps(observer.answer | facts))
    sys.stdout.flush()
    os._exit(0)  # data loader workers and progress bars would be waited for


if __name__ == "__main__":
    main()
