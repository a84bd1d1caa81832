"""What training minimises."""

from vae_tui.objective.elbo import BetaElbo

__all__ = ["BetaElbo"]
