"""What a checkpoint's header says: the recipe and the figures, read without its tensors."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, cast

from vae_tui.errors import CheckpointError

_LONGEST_HEADER = 100_000_000


def read_metadata(path: Path) -> dict[str, Any]:
    """The JSON under `vae_tui` in a safetensors file's header; raises CheckpointError where there is none."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError("no header")
            header = json.loads(file.read(length))
        metadata = json.loads(header["__metadata__"]["vae_tui"])
        return cast(dict[str, Any], metadata)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    except (struct.error, ValueError, UnicodeDecodeError):
        raise CheckpointError(f"{path} is no whole safetensors file: it is damaged or was cut short") from None
    except (KeyError, TypeError):
        raise CheckpointError(
            f"{path} is a safetensors file, but vae-tui did not write it: it carries no recipe"
        ) from None
