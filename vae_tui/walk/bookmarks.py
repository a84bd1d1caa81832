"""Ten places in latent space, stored with the run they were found in."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path

import numpy as np
import tomli_w
from numpy.typing import NDArray

from vae_tui.errors import VaeTuiError
from vae_tui.folders import user_data
from vae_tui.runs.files import read_small, write_whole
from vae_tui.runs.layout import Run, run_folder

SLOTS = range(10)


class Bookmarks:
    """The bookmarks of a checkpoint's run, or, for a file that is in no run, of that file, in the user's data folder."""

    def __init__(self, checkpoint: Path) -> None:
        folder = run_folder(checkpoint)
        if Run(folder).holds_something:
            self.path = folder / "bookmarks.toml"
        else:
            name = hashlib.sha256(os.fsencode(checkpoint.absolute())).hexdigest()[:16]
            self.path = user_data() / f"bookmarks-{name}.toml"

    def read(self) -> dict[int, NDArray[np.float32]]:
        """The latents (Z,) by slot; raises VaeTuiError for a file that is not one of ours."""
        try:
            tables = tomllib.loads(read_small(self.path).decode())
            found = {int(slot): np.asarray(z, np.float64) for slot, z in tables.get("bookmarks", {}).items()}
            if not all(slot in SLOTS and z.ndim == 1 and (abs(z) <= 1000).all() for slot, z in found.items()):
                raise ValueError("a slot is a digit, a place a list of numbers from -1000 to 1000")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise VaeTuiError(f"{self.path} cannot be read: {error.strerror}") from error
        except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise VaeTuiError(f"{self.path} holds no bookmarks: {error}; mend it or move it away") from None
        return {slot: z.astype(np.float32) for slot, z in found.items()}

    def save(self, slot: int, z: NDArray[np.float32]) -> None:
        """Write z (Z,) to a slot; raises VaeTuiError where the file cannot be read or written."""
        saved = self.read() | {slot: z}
        table = {str(slot): [float(value) for value in saved[slot]] for slot in sorted(saved)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, tomli_w.dumps({"bookmarks": table}).encode())
        except OSError as error:
            raise VaeTuiError(f"{self.path} cannot be written: {error.strerror}") from error
