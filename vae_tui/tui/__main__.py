"""The key tables of the pages, each printed by `python -m vae_tui.tui` and its name: home, log, overlay, training, walk."""

import sys

from vae_tui.tui.home_keys import HOME_KEYS
from vae_tui.tui.keys import to_markdown
from vae_tui.tui.log_keys import LOG_KEYS
from vae_tui.tui.overlay_keys import OVERLAY_KEYS
from vae_tui.tui.training_keys import TRAINING_KEYS
from vae_tui.tui.walk_keys import WALK_KEYS

_TABLES = {
    "home": HOME_KEYS,
    "log": LOG_KEYS,
    "overlay": OVERLAY_KEYS,
    "training": TRAINING_KEYS,
    "walk": WALK_KEYS,
}

if __name__ == "__main__":
    print(to_markdown(_TABLES[sys.argv[1]]))  # noqa: T201 - this is its output
