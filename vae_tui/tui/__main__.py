"""The key tables of the pages, each printed by `python -m vae_tui.tui` and its name: home, log, overlay, training, walk."""

import sys

from vae_tui.tui.key_tables import TABLES
from vae_tui.tui.keys import to_markdown

if __name__ == "__main__":
    print(to_markdown(TABLES[sys.argv[1]]))  # noqa: T201 - this is its output
