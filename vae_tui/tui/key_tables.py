"""All key tables, by the names that `python -m vae_tui.tui` and the pages have for them."""

from __future__ import annotations

from vae_tui.tui.edit_keys import EDIT_KEYS
from vae_tui.tui.home_keys import HOME_KEYS
from vae_tui.tui.keys import Table
from vae_tui.tui.log_keys import LOG_KEYS
from vae_tui.tui.overlay_keys import OVERLAY_KEYS
from vae_tui.tui.sweep_keys import SWEEP_KEYS
from vae_tui.tui.sweep_samples_keys import SWEEP_SAMPLES_KEYS
from vae_tui.tui.tile_keys import TILE_KEYS
from vae_tui.tui.training_keys import TRAINING_KEYS
from vae_tui.tui.walk_keys import WALK_KEYS

TABLES: dict[str, Table] = {
    "edit": EDIT_KEYS,
    "home": HOME_KEYS,
    "log": LOG_KEYS,
    "overlay": OVERLAY_KEYS,
    "sweep": SWEEP_KEYS,
    "sweep samples": SWEEP_SAMPLES_KEYS,
    "tile": TILE_KEYS,
    "training": TRAINING_KEYS,
    "walk": WALK_KEYS,
}
TITLES = {
    "home": "all runs",
    "training": "a run",
    "tile": "a picture over a run",
    "log": "the log",
    "overlay": "runs over each other",
    "sweep": "a sweep",
    "sweep samples": "samples of a sweep",
    "walk": "the walk",
    "edit": "editing the picture",
}
"""What people call the screens, in the order in which they meet them."""
