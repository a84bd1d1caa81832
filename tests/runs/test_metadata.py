from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.errors import CheckpointError
from vae_tui.runs.metadata import read_metadata


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "damaged or was cut short"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "damaged or was cut short"),
        (b"\x10" + bytes(7) + b'{"a":', "damaged or was cut short"),
        (b"\x02" + bytes(7) + b"{}", "did not write it"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_one_clear_message(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "step-000000001.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=complaint) as caught:
        read_metadata(path)
    assert str(path) in str(caught.value)
