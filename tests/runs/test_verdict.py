"""The verdict on a training, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from vae_tui import events as ev
from vae_tui.runs.history import History
from vae_tui.runs.verdict import judge

EPOCHS = np.arange(1, 61)
NOISE = np.random.default_rng(0).normal(size=60)
FALLING = 100 + 60 / EPOCHS


def history(
    train: Sequence[float], validation: Sequence[float] | None, *, rates: Sequence[float] = (1.0, 0.5)
) -> History:
    history = History()
    history.add(
        ev.TrainingStarted(
            time=0.0, step=0, device="cpu", threads=1, versions={}, parameter_count=1, data_sizes={"validation": 1},
            image_shape=(1, 2, 2), network="mlp", steps_per_epoch=10,
        )
    )  # fmt: skip
    for index, loss in enumerate(train):
        shared: dict[str, Any] = {
            "time": 1.0 + index,
            "step": 10 * (index + 1),
            "epoch": index + 1,
            "beta": 1.0,
            "lr": 1e-3,
        }
        history.add(ev.StepCompleted(**shared, steps=10, train=figures(loss), images_per_second=1.0))
        other = None if validation is None else figures(validation[index])
        history.add(
            ev.EpochCompleted(
                **shared, train=figures(loss), validation=other, rate_per_dimension=list(rates), images_per_second=1.0,
                elapsed_seconds=1.0 + index,
            )
        )  # fmt: skip
    return history


def figures(loss: float) -> ev.Figures:
    return {"loss": loss, "elbo": -loss, "distortion": loss - 20, "rate": 20.0}


@pytest.mark.parametrize(
    ("validation", "kind"),
    [
        (FALLING + 1, "improving"),
        (FALLING + 1 + 0.5 * NOISE, "flat"),
        (101 + 40 * np.exp(-EPOCHS / 3) + 0.02 * NOISE, "flat"),
        (101 + 40 * np.exp(-EPOCHS / 3) + 0.1 * np.maximum(0, EPOCHS - 20), "overfitting"),
        (200 - EPOCHS + 0.5 * NOISE, "improving"),
    ],
)
def test_by_the_losses_of_validation(validation: np.ndarray, kind: str) -> None:
    verdict = judge(history(FALLING.tolist(), validation.tolist()))
    assert verdict is not None
    assert verdict.kind == kind


def test_overfitting_is_told_in_nats_since_the_best_epoch() -> None:
    validation = 101 + 40 * np.exp(-EPOCHS / 2) + 0.1 * np.maximum(0, EPOCHS - 30)
    verdict = judge(history(FALLING.tolist(), validation.tolist()))
    assert verdict is not None
    assert verdict.text == "overfitting by 2.90 nats since epoch 30"
    assert "best 101.00 at epoch 30" in verdict.basis


def test_what_grows_worse_in_training_too_diverges() -> None:
    rising = (100 + 0.5 * EPOCHS).tolist()
    verdict = judge(history(rising, rising))
    assert verdict is not None
    assert verdict.kind == "diverging"


def test_a_model_without_an_active_latent_has_collapsed() -> None:
    verdict = judge(history(FALLING.tolist(), FALLING.tolist(), rates=(0.001, 0.002)))
    assert verdict is not None
    assert verdict.kind == "collapsed"


def test_without_validation_the_loss_of_training_counts() -> None:
    verdict = judge(history(FALLING.tolist(), None))
    assert verdict is not None
    assert "training loss" in verdict.basis


@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_the_first_epochs_are_too_early_to_say(epochs: int) -> None:
    assert judge(history([100.0] * epochs, [100.0] * epochs)) is None


def test_figures_that_are_not_finite_are_left_out() -> None:
    losses = FALLING.tolist()
    losses[10] = math.nan
    assert judge(history(losses, losses)) is not None


def test_a_changed_beta_begins_anew_what_losses_are_compared_with() -> None:
    run = history(list(FALLING), list(FALLING + 1))
    changed = {"key": "objective.beta", "value": 4.0, "loss": "distortion + 4 rate"}
    run.add(ev.CommandDone(time=100.0, step=run.step, command="set", message="", values=changed))
    assert judge(run) is None
    for index, loss in enumerate(300 - np.arange(10.0)):
        step: dict[str, Any] = {
            "time": 100.0 + index,
            "step": run.step + 10,
            "epoch": 61 + index,
            "beta": 4.0,
            "lr": 1e-3,
        }
        run.add(
            ev.EpochCompleted(
                **step, train=figures(loss), validation=figures(loss), rate_per_dimension=[1.0], images_per_second=1.0,
                elapsed_seconds=100.0 + index,
            )
        )  # fmt: skip
    verdict = judge(run)
    assert verdict is not None
    assert verdict.kind == "improving"
