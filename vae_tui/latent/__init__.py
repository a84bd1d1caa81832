"""Pictures out of the latent space: torch in, uint8 images out."""
