"""Runs as a trainer would leave them, written without one: real logs, real PNGs, synthetic digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vae_tui import events as ev
from vae_tui.imaging.grid import Pixels, encode_png, make_grid
from vae_tui.recipe import parse
from vae_tui.runs.commands import claim_commands
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter

BEGAN = 1_767_225_600.0
STEPS_PER_EPOCH = 120
_SEGMENTS = {
    "a": (4, 8, 8, 20),
    "b": (4, 16, 14, 20),
    "c": (14, 16, 24, 20),
    "d": (20, 8, 24, 20),
    "e": (14, 8, 24, 12),
    "f": (4, 8, 14, 12),
    "g": (12, 8, 16, 20),
}
"""Top, left, bottom and right of each bar of a digit."""
_DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def draw_digit(digit: int, *, brightness: int = 255, shift: tuple[int, int] = (0, 0)) -> Pixels:
    """A light digit on black, (28, 28, 1)."""
    image = np.zeros((28, 28, 1), np.uint8)
    for segment in _DIGITS[digit]:
        top, left, bottom, right = _SEGMENTS[segment]
        image[top + shift[0] : bottom + shift[0], left + shift[1] : right + shift[1]] = brightness
    return image


def draw_digits(count: int, *, seed: int, brightness: int = 255) -> Pixels:
    """Digits (N, 28, 28, 1), a little moved about."""
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        shift = int(random.integers(-2, 3)), int(random.integers(-2, 3))
        drawn.append(draw_digit(int(random.integers(10)), brightness=brightness, shift=shift))
    return np.stack(drawn)


class FakeTrainer:
    """Writes a run's log and pictures as a trainer does; its clock is `time`, in seconds since the run began."""

    def __init__(self, run: Run, *, began: float = BEGAN, pid: int = 1, latent_dim: int = 20) -> None:
        self.run = run
        self.writer = EventWriter(run.events_path)
        self.began, self.pid, self.time, self.step, self.epoch = began, pid, 0.0, 0, 0
        self.latent_dim = latent_dim
        self.random = np.random.default_rng(0)
        self.best = math.inf
        self.saved: str | None = None
        self.gpu: dict[str, Any] = {}
        """What it says of its GPU, if it has one."""

    def write(self, kind: type[ev.Event], /, **said: object) -> None:
        self.writer.write(kind(time=self.began + self.time, step=self.step, **said))

    def start(self, *, resumed_from: int | None = None, **overrides: object) -> None:
        sweep = overrides.pop("sweep", "")
        settings = {"epochs": 50, **overrides}
        recipe, _ = parse(
            {"data": {"name": "mnist"}, "model": {"latent_dim": self.latent_dim}, "train": settings}, source="test"
        )
        self.run.write_recipe(recipe.to_toml())
        if resumed_from is not None:
            self.step, self.epoch = resumed_from, resumed_from // STEPS_PER_EPOCH
        self.write(
            ev.RunStarted,
            pid=self.pid,
            version="0.1.0",
            recipe=recipe.resolved(),
            sweep=sweep,
            resumed_from=resumed_from,
        )

    def prepare(self, stage: str, seconds: float, done: int = 0, total: int | None = None) -> None:
        self.time += seconds
        self.write(ev.StageProgressed, stage=stage, done=done, total=total)

    def begin(self, notes: tuple[str, ...] = (), data_notes: tuple[str, ...] = ()) -> None:
        self.prepare("importing torch", 0.2)
        self.prepare("decoding images", 2.1, 0, 70_000)
        self.prepare("decoding images", 0.9, 70_000, 70_000)
        self.time += 0.1
        self.write(
            ev.TrainingStarted,
            device="cpu",
            threads=2,
            versions={"torch": "2.15.0"},
            parameter_count=652_824,
            data_sizes={"train": 54_000, "validation": 6_000, "test": 10_000},
            image_shape=(1, 28, 28),
            network=f"mlp 784-400-{self.latent_dim}",
            steps_per_epoch=STEPS_PER_EPOCH,
            notes=notes,
            data_notes=data_notes,
        )

    def figures(self, *, noise: float = 1.0, gap: float = 0.0) -> ev.Figures:
        progress = self.step / STEPS_PER_EPOCH
        distortion = 84 + 24 / (0.6 + progress) ** 0.8 + 390 * math.exp(-progress * 9) + gap
        rate = 25.4 * (1 - math.exp(-(progress + 0.05) * 2.2))
        distortion, rate = (value + noise * self.random.normal() * 1.2 for value in (distortion, rate))
        return {"loss": distortion + rate, "elbo": -distortion - rate, "distortion": distortion, "rate": rate}

    def train_epoch(self, *, every: int = 6, steps: int = STEPS_PER_EPOCH) -> None:
        """An epoch of 3 seconds; fewer `steps` leave it unfinished."""
        self.epoch += 1
        self.write(ev.EpochStarted, epoch=self.epoch)
        for _ in range(steps // every):
            self.step += every
            self.time += 3 * every / STEPS_PER_EPOCH
            self.say_step(every)
        if steps == STEPS_PER_EPOCH:
            self.complete_epoch()

    def say_step(self, steps: int) -> None:
        self.write(
            ev.StepCompleted,
            epoch=self.epoch,
            steps=steps,
            train=self.figures(),
            beta=1.0,
            lr=1e-3,
            images_per_second=21_400.0 + 300 * self.random.normal(),
            cpu_percent=96.0,
            rss_bytes=932_000_000,
            disk_free_bytes=48 << 30,
            disk_written_bytes=120 << 20,
            seconds_per_step={"data": 0.0004, "gradients": 0.0031, "update": 0.0008, "rest": 0.0005},
            **self.gpu,
        )

    def rates(self) -> list[float | None]:
        grown = 1 - math.exp(-self.epoch / 2)
        return [max(0.0004, 3.1 * grown * math.exp(-index / 6) - 0.12) for index in _mixed(self.latent_dim)]

    def complete_epoch(self) -> None:
        gap = 1.4 + 0.16 * max(0, self.epoch - 20)
        validation = self.figures(noise=0.2, gap=gap)
        self.write(
            ev.EpochCompleted,
            epoch=self.epoch,
            train=self.figures(noise=0.1),
            validation=validation,
            rate_per_dimension=self.rates(),
            beta=1.0,
            lr=1e-3,
            images_per_second=21_000.0,
            elapsed_seconds=self.time,
        )
        self.draw()
        loss = -(validation["elbo"] or 0)
        best, self.best = loss < self.best, min(loss, self.best)
        self.saved = f"step-{self.step:09d}.safetensors"
        self.write(ev.CheckpointSaved, epoch=self.epoch, path=self.saved, best=best)

    def draw(self) -> None:
        brightness = 255 - 160 // (1 + self.epoch)
        samples = make_grid(draw_digits(64, seed=1, brightness=brightness), 8)
        data, made = draw_digits(16, seed=2), draw_digits(16, seed=2, brightness=brightness - 20)
        rows = np.concatenate([data[:8], made[:8], data[8:], made[8:]])
        for kind, grid, count in (("samples", samples, 64), ("reconstructions", make_grid(rows, 8), 32)):
            path = f"images/{kind}-{self.step:09d}.png"
            (self.run.path / path).write_bytes(encode_png(grid))
            self.write(ev.ImagesDrawn, kind=kind, epoch=self.epoch, path=path, count=count, columns=8, padding=2)

    def answer(self, message: str = "", **values: object) -> str:
        """Claim the oldest command that waits, answer it, and return its name."""
        sent = next(claim_commands(self.run))
        values = {**sent.command.values, **values}
        self.write(ev.CommandDone, command=sent.command.name, message=message, id=sent.id, values=values)
        return sent.command.name

    def finish(self, status: ev.EndStatus, reason: str = "") -> None:
        self.write(ev.RunFinished, status=status, reason=reason, epoch=self.epoch, checkpoint=self.saved)


def _mixed(count: int) -> list[int]:
    """Each of 0 to count - 1 once, in no order."""
    return np.random.default_rng(3).permutation(count).tolist()
