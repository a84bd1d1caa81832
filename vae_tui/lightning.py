"""A callback for Lightning that has its training watched like any other run; Lightning is the caller's to install."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import vae_tui
from vae_tui.other_trainers import WrittenRun

_FIGURES = ("loss", "elbo", "distortion", "rate")
_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _find_callback() -> Any:
    """Lightning's base class: that of the package which the program uses, of the two there are."""
    for package in sorted(_PACKAGES, key=lambda name: name not in sys.modules):
        try:
            return import_module(f"{package}.callbacks").Callback
        except ModuleNotFoundError as error:
            if error.name is None or not f"{package}.callbacks".startswith(error.name):
                raise
    raise ImportError("vae_tui.lightning needs Lightning, which is not installed: pip install lightning")


class WatchCallback(_find_callback()):  # type: ignore[misc]
    """Writes the run of a Lightning Trainer, to be seen with `vae-tui watch`.

    `figures` says under which names the module logs its figures: {"rate": "kl"}, for training with or without `train_` before
    it and for validation with `val_`. `loss`, `elbo`, `distortion` and `rate` are found by themselves. After each epoch `samples`
    is called with the module for images (N, C, H, W) to show. All else is as for `vae_tui.write_events`.
    """

    def __init__(
        self,
        name: str,
        *,
        figures: Mapping[str, str] | None = None,
        samples: Callable[[Any], Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__()
        self._name, self._samples, self._more = name, samples, more
        self._names: Final = {figure: figure for figure in _FIGURES} | dict(figures or {})
        self._run: WrittenRun | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the run, in the process that is the first of all."""
        if not trainer.is_global_zero:
            return
        batches = trainer.num_training_batches
        known = {
            "epochs": trainer.max_epochs if (trainer.max_epochs or 0) > 0 else None,
            "steps_per_epoch": batches if isinstance(batches, int) else 0,
            "parameter_count": sum(parameter.numel() for parameter in pl_module.parameters()),
            "device": str(pl_module.device),
            "resumed_from": trainer.global_step or None,
        } | self._more
        known["about"] = {"model": type(pl_module).__name__} | dict(known.get("about") or {})
        self._run = vae_tui.write_events(self._name, **known)
        self._run.__enter__()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, *_: Any) -> None:
        """Report the step; have the Trainer stop where that was asked for."""
        if self._run is None:
            return
        figures = self._find(trainer, ("train_{}", "train/{}", "{}"), ("_step", ""))
        if (
            "loss" not in figures
            and (loss := outputs.get("loss") if isinstance(outputs, Mapping) else outputs) is not None
        ):
            figures["loss"] = loss
        first = batch[0] if isinstance(batch, list | tuple) and batch else batch
        images = len(first) if hasattr(first, "__len__") else 0
        self._run.step(trainer.global_step, **figures, lr=_learning_rate(trainer), images=images)
        trainer.should_stop |= self._run.should_stop

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Report the epoch, and show samples."""
        if self._run is None:
            return
        train = self._find(trainer, ("train_{}", "train/{}", "{}"), ("_epoch", ""))
        validation = self._find(trainer, ("val_{}", "val/{}", "validation_{}"), ("",))
        lr = _learning_rate(trainer)
        self._run.epoch(trainer.current_epoch + 1, train=train, validation=validation or None, lr=lr)
        if self._samples is not None:
            training = pl_module.training
            pl_module.eval()
            self._run.images("samples", self._samples(pl_module))
            pl_module.train(training)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """The training is over."""
        self._end(None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The training failed, or was interrupted."""
        self._end(exception)

    def _end(self, error: BaseException | None) -> None:
        if self._run is not None:
            run, self._run = self._run, None
            run.__exit__(type(error) if error is not None else None, error, None)

    def _find(self, trainer: Any, beginnings: tuple[str, ...], ends: tuple[str, ...]) -> dict[str, Any]:
        """The figures that the module logged, by our names."""
        logged = trainer.callback_metrics
        found = {}
        for figure, name in self._names.items():
            keys = (begin.format(name) + end for begin in beginnings for end in ends)
            key = next((key for key in keys if key in logged), None)
            if key is not None:
                found[figure] = logged[key]
        return found


def _learning_rate(trainer: Any) -> float | None:
    groups = trainer.optimizers[0].param_groups if trainer.optimizers else []
    return float(groups[0]["lr"]) if groups else None
