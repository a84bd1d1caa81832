"""How good a VAE is, in nats."""
