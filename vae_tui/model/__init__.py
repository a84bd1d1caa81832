"""The variational autoencoder: networks, likelihoods, posterior and prior, and the VAE that joins them."""

from vae_tui.model.vae import VAE, build

__all__ = ["VAE", "build"]
