"""The model that ships with the package; `make pretrained` trains it and `python -m vae_tui.pretrained` puts it here."""
