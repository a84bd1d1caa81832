"""The variational autoencoder: networks, likelihoods, posterior and prior, and the VAE that joins them."""

from vae_tui.model.vae import VAE, Terms, build

__all__ = ["VAE", "Terms", "build"]
