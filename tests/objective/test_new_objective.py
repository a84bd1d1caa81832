"""A new objective is one class and what it adds to the recipe's table: here, beta-VAE with a Huber rate."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Literal

import pytest
import torch
from conftest import train_events
from torch import Tensor
from torch.nn import functional

from vae_tui import events as ev
from vae_tui.model import Terms
from vae_tui.objective import Objective
from vae_tui.recipe import LoadedRecipe, parse
from vae_tui.recipe.tables import TABLES, ObjectiveTable
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.training.preparation import create_run


class HuberTable(ObjectiveTable):
    """The table with what the new objective adds."""

    name: Literal["elbo", "huber"] = "elbo"
    beta: float = 1.0
    delta: float = 5.0


class HuberRate(Objective):
    """distortion + beta * Huber(rate): quadratic up to delta nats, linear beyond them."""

    name = "huber"
    is_sum_over_images = True

    def loss(self, terms: Terms, inputs: Mapping[str, Tensor]) -> Tensor:
        rate = terms.rate_per_dimension.sum(1)
        huber = functional.huber_loss(rate, torch.zeros_like(rate), reduction="sum", delta=self._delta)
        return terms.distortion.sum() + inputs["beta"] * huber

    def selection_loss(self, distortion: float, rate: float, bound: float) -> float:
        huber = 0.5 * rate**2 if rate <= self._delta else self._delta * (rate - 0.5 * self._delta)
        return distortion + self.table.beta * huber

    @property
    def loss_name(self) -> str:
        return f"distortion + {self.table.beta:g} Huber(rate)"

    @property
    def _delta(self) -> float:
        assert isinstance(self.table, HuberTable)
        return self.table.delta


@pytest.fixture
def template(make_run: object, monkeypatch: pytest.MonkeyPatch) -> Run:
    run: Run = make_run(name="template")  # type: ignore[operator]
    monkeypatch.setitem(TABLES, "objective", HuberTable)
    return run


def test_it_trains_validates_and_resumes_like_any_other(template: Run) -> None:
    tables = tomllib.loads(template.recipe_path.read_text())
    recipe, _ = parse(tables, ["objective.name=huber", "objective.beta=0.5", "objective.delta=2"])
    run = create_run(LoadedRecipe(recipe, "huber"), template.path.parent, "huber")
    events = list(train_events(run))
    (started,) = [event for event in events if isinstance(event, ev.TrainingStarted)]
    assert started.loss == "distortion + 0.5 Huber(rate)"
    ended = [event for event in events if isinstance(event, ev.EpochCompleted)]
    for event in ended:
        assert event.validation is not None
        distortion, rate, loss = (event.validation[name] for name in ("distortion", "rate", "loss"))
        assert distortion is not None
        assert rate is not None
        huber = 0.5 * rate**2 if rate <= 2 else 2 * (rate - 1)
        assert loss == pytest.approx(distortion + 0.5 * huber)
    losses = {event.step: event.validation["loss"] for event in ended if event.validation is not None}
    assert best_checkpoint(run).step == min(losses, key=lambda step: losses[step] or 0.0)
    assert read_metadata(run.latest().path)["recipe"]["objective"]["delta"] == 2.0
