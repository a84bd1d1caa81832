"""`python -m vae_tui`."""

from vae_tui.cli import main

main()
