"""Runs that another program trains: its events, written as our trainer writes them, so that every front end shows them live.

    with vae_tui.write_events("my-run", about={"model": "resnet", "lr": 1e-3}, epochs=20) as run:
        run.step(step, loss=loss, distortion=distortion, rate=rate)
        run.epoch(epoch, train={...}, validation={...})

Nothing here needs torch: a figure is whatever `float` takes, pictures are whatever numpy does.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, SupportsFloat

import numpy as np
import psutil

import vae_tui
from vae_tui import events as ev
from vae_tui.errors import RunError
from vae_tui.imaging.grid import PADDING, Pixels, encode_png, make_grid, pair_rows
from vae_tui.runs.commands import Stop, claim_commands, discard_commands
from vae_tui.runs.files import write_whole
from vae_tui.runs.layout import Run, check_name
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.runs.log import EventWriter
from vae_tui.wording import counted

Figure = SupportsFloat | None
"""A number, or a tensor of one number; None where it is not known."""

_FIGURES = ("loss", "elbo", "distortion", "rate")
_SECONDS, _MOST_REPORTS = 0.1, 20_000
_PLACES = {
    **{"data": ("data", "name"), "dataset": ("data", "name"), "model": ("model", "network"), "network": ("model", "network")},
    **{"latent_dim": ("model", "latent_dim"), "beta": ("objective", "beta"), "seed": ("train", "seed")},
    **{"lr": ("optimizer", "lr"), "optimizer": ("optimizer", "name"), "batch_size": ("train", "batch_size")},
}  # fmt: skip
"""Where a recipe of ours has what others call so: what has a column of its own in every table."""
_COLUMNS = 8


class WrittenRun:
    """A run of which this program writes the events; `vae_tui.write_events` makes it.

    A context: the run is in training from its beginning on, and at its end completed, or failed or stopped by what was
    raised. Steps count optimizer steps, epochs from 1. Methods raise ValueError for what is no figure or no picture, RunError
    where the run cannot be written.
    """

    def __init__(
        self,
        name: str,
        runs_dir: Path,
        about: Mapping[str, Any],
        *,
        epochs: int | None,
        loss: str,
        training: Mapping[str, Any],
        resumed_from: int | None,
    ) -> None:
        check_name(name, shown=name)
        self.run = Run(runs_dir / name)
        self.should_stop = False
        """Whether somebody asked the run to stop, by `vae-tui stop` or on a screen: the loop decides what comes of it."""
        self._trainer = Path(sys.argv[0] or "python").name
        self._recipe = _place(about, epochs)
        self._epochs, self._resumed_from = epochs, resumed_from
        self._training = {**_UNTOLD, "network": str(self._recipe.get("model", {}).get("network", "")), "loss": loss}
        self._training |= training
        self._writer: EventWriter | None = None
        self._step, self._epoch, self._epoch_began = resumed_from or 0, 0, False
        self._began = self._reported = 0.0
        self._sums: dict[str, Any] = {}
        self._counts: dict[str, int] = {}
        self._steps = self._images = 0
        self._beta: float | None = None
        self._lr: float | None = None
        self._process = psutil.Process()
        self._machine: dict[str, Any] = {}
        self._machine_read = 0.0

    def __enter__(self) -> Self:
        """Make the run, or go on with it, and begin; raises RunError where that cannot be."""
        self._open()
        acquire_lock(self.run.path)
        try:
            discard_commands(self.run)
            self._writer = EventWriter(self.run.events_path)
            self._began = self._reported = time.time()
            self._write(
                ev.RunStarted,
                pid=os.getpid(),
                version=vae_tui.__version__,
                recipe=self._recipe,
                resumed_from=self._resumed_from,
                trainer=self._trainer,
            )
            self._write(ev.TrainingStarted, **self._training)
        except BaseException:
            release_lock(self.run.path)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Say how it ended, and give the run back."""
        status, reason = self._describe_end(error)
        try:
            self._report()
            self._write(ev.RunFinished, status=status, reason=reason, epoch=self._epoch)
        except RunError:
            if error is None:
                raise
        finally:
            if self._writer is not None:
                self._writer.close()
            release_lock(self.run.path)

    def step(
        self,
        step: int,
        *,
        loss: Figure = None,
        distortion: Figure = None,
        rate: Figure = None,
        elbo: Figure = None,
        beta: float | None = None,
        lr: float | None = None,
        images: int = 0,
    ) -> None:
        """The figures of a step, nats per image: the log gets the means of those since the last report, ten a second at most.

        `images` were in its batch; `beta` and `lr` hold until others are given. Tensors are read only for a report, so that a GPU is not waited for at every step.
        """
        if step < self._step:
            raise ValueError(f"step {step} comes after step {self._step}: steps only grow, within a run")
        if not self._epoch_began:
            self._epoch_began = True
            self._write(ev.EpochStarted, epoch=self._epoch + 1)
        self._set(beta, lr)
        self._step, self._steps, self._images = step, self._steps + 1, self._images + images
        for name, figure in zip(_FIGURES, (loss, elbo, distortion, rate), strict=True):
            if figure is not None:
                figure = figure.detach() if hasattr(figure, "detach") else figure
                self._sums[name] = self._sums[name] + figure if name in self._sums else figure
                self._counts[name] = self._counts.get(name, 0) + 1
        now = time.time()
        if now - self._reported >= max(_SECONDS, (now - self._began) / _MOST_REPORTS):
            self._report()

    def epoch(
        self,
        epoch: int,
        *,
        train: Mapping[str, Figure] | None = None,
        validation: Mapping[str, Figure] | None = None,
        rate_per_dimension: Iterable[Figure] = (),
        beta: float | None = None,
        lr: float | None = None,
        images_per_second: float | None = None,
    ) -> None:
        """Epoch `epoch`, from 1, ended: its figures, of `loss`, `elbo`, `distortion` and `rate`, and the rate of each latent dimension."""
        self._set(beta, lr)
        self._report()
        self._epoch, self._epoch_began = epoch, False
        self._write(
            ev.EpochCompleted,
            epoch=epoch,
            train=self._figures(train or {}),
            validation=None if validation is None else self._figures(validation),
            rate_per_dimension=[_number(rate) for rate in _read(rate_per_dimension)],
            beta=self._beta,
            lr=self._lr,
            images_per_second=_number(images_per_second),
            elapsed_seconds=time.time() - self._began,
        )

    def images(self, kind: Literal["samples", "reconstructions"], images: Any, *, of: Any = None) -> None:
        """A grid of pictures (N, C, H, W), (N, H, W, C) or (N, H, W): uint8, or numbers in [0, 1]; C is 1 or 3.

        `reconstructions` are `of` as many images of data, and are shown below them.
        """
        if kind not in ("samples", "reconstructions") or (kind == "reconstructions") != (of is not None):
            raise ValueError(
                f'expected "samples", or "reconstructions" with the images they are `of`, got {kind!r}'
                f"{'' if of is None else ' with `of`'}"
            )
        pixels = _as_pixels(images)
        columns = min(_COLUMNS, len(pixels))
        if of is not None:
            data = _as_pixels(of)
            if data.shape != pixels.shape:
                raise ValueError(
                    f"expected reconstructions like their data, {data.shape}, got {pixels.shape} (N, H, W, C)"
                )
            whole = len(data) // columns * columns
            pixels = pair_rows(data[:whole], pixels[:whole], columns)
        path = f"images/{kind}-{self._step:09d}.png"
        try:
            self.run.images_path.mkdir(exist_ok=True)
            write_whole(self.run.path / path, encode_png(make_grid(pixels, columns)), durable=False)
        except OSError as error:
            raise RunError(f"{self.run.path / path} cannot be written: {error.strerror}") from error
        self._write(
            ev.ImagesDrawn,
            **{"kind": kind, "epoch": self._epoch + self._epoch_began, "path": path},
            **{"count": len(pixels), "columns": columns, "padding": PADDING},
        )

    def note(self, note: str) -> None:
        """A sentence for whoever watches."""
        self._write(ev.NoteAdded, note=note)

    def _open(self) -> None:
        """Make the run's folder, or find it."""
        path = self.run.path
        try:
            if self._resumed_from is None:
                path.mkdir(parents=True)
            elif not self.run.has_log:
                raise RunError(f"{path} holds no run to go on with: leave resumed_from out to begin one")
            self.run.commands_path.mkdir(exist_ok=True)
        except FileExistsError:
            raise RunError(
                f"{path} exists already: choose another name, or go on with it by resumed_from=STEP"
            ) from None
        except OSError as error:
            raise RunError(f"{path} cannot be made: {error.strerror}; choose another runs_dir") from error

    def _describe_end(self, error: BaseException | None) -> tuple[ev.EndStatus, str]:
        if isinstance(error, KeyboardInterrupt):
            return "stopped", "by an interrupt"
        if isinstance(error, SystemExit):
            return "stopped", "as its program ended"
        if error is not None:
            return "failed", f"{type(error).__name__}: {error}"
        if self.should_stop:
            return "stopped", "by request"
        return "completed", counted(self._epoch, "epoch") if self._epoch else counted(self._step, "step")

    def _set(self, beta: float | None, lr: float | None) -> None:
        """What is trained with from here on; None leaves a value as it was."""
        self._beta = self._beta if beta is None else _number(beta)
        self._lr = self._lr if lr is None else _number(lr)

    def _report(self) -> None:
        """Log the means of the steps since the last report, and answer what was asked meanwhile."""
        if not self._steps:
            return
        now = time.time()
        sums = {name: _number(total) for name, total in self._sums.items()}
        means = {name: None if total is None else total / self._counts[name] for name, total in sums.items()}
        self._write(
            ev.StepCompleted,
            epoch=self._epoch + self._epoch_began,
            steps=self._steps,
            train=self._figures(means),
            beta=self._beta,
            lr=self._lr,
            images_per_second=self._images / max(1e-6, now - self._reported) if self._images else None,
            **self._read_machine(now),
        )
        self._reported, self._steps, self._images = now, 0, 0
        self._sums, self._counts = {}, {}
        self._answer()

    def _read_machine(self, now: float) -> dict[str, Any]:
        """What this process takes of the machine, at most once a second; its share of the processor since the last time."""
        if now - self._machine_read >= 1:
            self._machine_read = now
            percent, is_first = self._process.cpu_percent(), not self._machine
            self._machine = {
                "cpu_percent": None if is_first else percent,
                "rss_bytes": self._process.memory_info().rss,
            }
        return self._machine

    def _answer(self) -> None:
        for sent in claim_commands(self.run):
            stops = isinstance(sent.command, Stop)
            self.should_stop |= stops
            refusal = f"{self._trainer} trains this run; of all commands only stop reaches it"
            self._write(
                ev.CommandDone,
                command=sent.command.name,
                message=f"asked {self._trainer} to stop" if stops else refusal,
                id=sent.id,
                values=sent.command.values,
                refused=not stops,
            )

    def _figures(self, given: Mapping[str, Figure]) -> ev.Figures:
        """All four; -ELBO is the sum of its halves, or the loss where that has no other name."""
        if unknown := given.keys() - set(_FIGURES):
            raise ValueError(f"{sorted(unknown)[0]!r} is no figure of a run: expected {', '.join(_FIGURES)}")
        figures = {name: _number(given.get(name)) for name in _FIGURES}
        loss, elbo, distortion, rate = figures.values()
        if elbo is None and distortion is not None and rate is not None:
            figures["elbo"] = -distortion - rate
        elif elbo is None and loss is not None and not self._training["loss"]:
            figures["elbo"] = -loss
        if loss is None and not self._training["loss"] and figures["elbo"] is not None:
            figures["loss"] = -figures["elbo"]
        return figures

    def _write(self, kind: type[ev.Event], /, **fields: Any) -> None:
        if self._writer is None:
            raise RunError(
                f"{self.run.name} has not begun: write to it inside `with vae_tui.write_events(...) as run:`"
            )
        try:
            self._writer.write(kind(time=time.time(), step=self._step, **fields))
        except OSError as error:
            raise RunError(f"{self.run.events_path} cannot be written: {error.strerror}") from error


_UNTOLD: dict[str, Any] = {
    **{"device": "", "threads": 0, "versions": {}, "parameter_count": 0, "data_sizes": {}},
    **{"image_shape": (0, 0, 0), "network": "", "steps_per_epoch": 0},
}


def _place(about: Mapping[str, Any], epochs: int | None) -> dict[str, dict[str, Any]]:
    """What a program says of its run, as the tables of a recipe: what has a place there in it, the rest under `about`."""
    tables: dict[str, dict[str, Any]] = {}
    for key, value in about.items():
        if isinstance(value, Mapping):
            tables.setdefault(key, {}).update({name: _plain(one) for name, one in value.items() if one is not None})
        elif value is not None:
            table, name = _PLACES.get(key) or (key.split(".", 1) if "." in key else ("about", key))
            tables.setdefault(table, {})[name] = _plain(value)
    if epochs is not None:
        tables.setdefault("train", {})["epochs"] = epochs
    return tables


def _plain(value: Any) -> Any:
    """A setting as a recipe may have it."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float) else str(value)


def _read(figures: Any) -> Iterable[Figure]:
    """Figures, which a tensor gives at once: a GPU is waited for only once."""
    found: Iterable[Figure] = figures.tolist() if hasattr(figures, "tolist") else figures
    return found


def _number(figure: Figure) -> float | None:
    """A finite number, or None; raises ValueError for what is no number."""
    if figure is None:
        return None
    try:
        number = float(figure)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"expected a number, or a tensor of one, got {figure!r}") from error
    return number if math.isfinite(number) else None


def _as_pixels(images: Any) -> Pixels:
    """Images of any of the shapes as uint8 (N, H, W, C)."""
    if hasattr(images, "detach"):
        images = images.detach().cpu()  # of torch, which need not be imported for it
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in (1, 3) or not array.size:
        shape = np.shape(images)
        raise ValueError(f"expected images (N, C, H, W), (N, H, W, C) or (N, H, W), with C 1 or 3, got {shape}")
    if array.dtype == np.uint8:
        return array
    return (np.nan_to_num(array.astype(np.float64)).clip(0, 1) * 255).round().astype(np.uint8)
