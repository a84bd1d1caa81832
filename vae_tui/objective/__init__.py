"""What training minimises."""

from vae_tui.objective.correlation import Factor
from vae_tui.objective.elbo import BetaElbo, importance_bound
from vae_tui.objective.objective import WHOLE_BATCHES, Objective, build_objective

__all__ = ["WHOLE_BATCHES", "BetaElbo", "Factor", "Objective", "build_objective", "importance_bound"]
