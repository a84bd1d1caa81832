"""What training minimises: one file a family of objectives, each of which brings what it needs."""

from vae_tui.objective.elbo import BetaElbo, importance_bound
from vae_tui.objective.objective import Objective, build_objective, find_objective

__all__ = ["BetaElbo", "Objective", "build_objective", "find_objective", "importance_bound"]
