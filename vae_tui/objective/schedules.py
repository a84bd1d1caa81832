"""How the weight of a term rises while a model trains."""

from __future__ import annotations

import math

from vae_tui.recipe import ObjectiveTable

_STEEPNESS = 10.0


def scheduled_beta(objective: ObjectiveTable, epochs: float) -> float:
    """Beta after that many epochs, whole or not.

    Linear: Sonderby et al., Ladder VAE, 2016, section 2.2. Sigmoid: Bowman et al., Generating Sentences from a Continuous
    Space, 2016, section 3.1, from 0 to 1 over the warm-up. Cyclical: Fu et al., Cyclical Annealing Schedule, 2019,
    equation 6.
    """
    if objective.warmup_epochs == 0:
        return objective.beta
    if objective.schedule == "cyclical":
        epochs %= objective.cycle_epochs
    risen = min(1.0, epochs / objective.warmup_epochs)
    return objective.beta * (_sigmoid(risen) if objective.schedule == "sigmoid" else risen)


def capacity_after(objective: ObjectiveTable, epochs: float) -> float:
    """The nats the rate is held at after that many epochs.

    Burgess et al., Understanding Disentangling in beta-VAE, 2018, equation 8.
    """
    if objective.capacity_epochs == 0:
        return objective.capacity
    return objective.capacity * min(1.0, epochs / objective.capacity_epochs)


def _sigmoid(risen: float) -> float:
    """From 0 at 0 to 1 at 1, steepest half way."""

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-_STEEPNESS * (x - 0.5)))

    return (logistic(risen) - logistic(0)) / (logistic(1) - logistic(0))
