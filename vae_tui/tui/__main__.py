"""The key tables of README.md and docs/walking.md, printed by `python -m vae_tui.tui training` and `python -m vae_tui.tui walk`."""

import sys

from vae_tui.tui.keys import to_markdown
from vae_tui.tui.training_keys import TRAINING_KEYS
from vae_tui.tui.walk_keys import WALK_KEYS

if __name__ == "__main__":
    print(to_markdown({"training": TRAINING_KEYS, "walk": WALK_KEYS}[sys.argv[1]]))  # noqa: T201 - this is its output
