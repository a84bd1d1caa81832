from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from vae_tui.errors import CheckpointError
from vae_tui.runs.metadata import read_metadata, seal_metadata


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


def test_a_bit_flipped_anywhere_in_a_header_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "vae.safetensors"
    document = seal_metadata({"step": 3, "recipe": {"model": {"latent_dim": 2}}, "tensors_sha256": "0" * 64})["vae_tui"]
    header = json.dumps({"__metadata__": {"vae_tui": document}}).encode()
    whole = struct.pack("<Q", len(header)) + header
    path.write_bytes(whole)
    metadata = read_metadata(path)
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert read_metadata(path) == metadata  # the case of a letter in an escape, or a space
        except CheckpointError as error:
            assert str(path) in str(error)  # noqa: PT017 - most flips, but not all


@pytest.mark.parametrize(
    ("key", "value"),
    [("step", "3"), ("step", -1), ("image_shape", [1, 8]), ("class_names", "cat"), ("validation", {"loss": "low"})],
)
def test_metadata_of_other_types_is_named(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "vae.safetensors"
    header = json.dumps({"__metadata__": {"vae_tui": json.dumps({key: value})}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(CheckpointError, match=f"`{key}` is "):
        read_metadata(path)
