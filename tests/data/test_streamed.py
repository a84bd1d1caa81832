"""Image sets larger than the memory they may take: the same images, read when they are wanted."""

import io
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vae_tui.data.streamed import StreamedPixels
from vae_tui.errors import DataError

TINY = 1e-6
"""GiB: a thousand bytes."""


@pytest.fixture
def photos(tmp_path):
    """Sixty noisy photos in two classes."""
    generator = np.random.default_rng(0)
    for index in range(60):
        path = tmp_path / "photos" / ("hat", "shoe")[index % 2] / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (12, 12, 3), np.uint8)).save(path)
    return tmp_path / "photos"


def assert_same(streamed, resident) -> None:
    """The streamed splits hold what the resident ones do, and only they are streamed."""
    assert streamed.class_names == resident.class_names
    for split in ("train", "validation", "test"):
        one, other = getattr(streamed, split), getattr(resident, split)
        if other is None:
            assert one is None
            continue
        assert isinstance(one.pixels, StreamedPixels)
        assert isinstance(other.pixels, torch.Tensor)
        assert one.pixels.shape == other.pixels.shape
        assert torch.equal(one.pixels[:], other.pixels)
        assert (one.labels is None) == (other.labels is None)
        if other.labels is not None:
            assert torch.equal(one.labels, other.labels)
        assert torch.equal(one.mean_image, other.mean_image)
        assert one.checksum == other.checksum


@pytest.mark.parametrize("binarize", ["none", "static", "dynamic"])
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_a_folder_streams_as_it_would_be_resident(load, photos, binarize, validation) -> None:
    recipe = {"name": "folder", "root": photos, "image_size": 8, "binarize": binarize, "validation": validation}
    streamed = load(**recipe, memory_gib=TINY, seed=3)
    assert_same(streamed, load(**recipe, seed=3))
    assert_same(load(**recipe, memory_gib=TINY, seed=3), load(**recipe, seed=3))
    assert streamed.notes == ("1.07e-05 GiB of images stream from disk: [data] memory_gib allows 1e-06",)


@pytest.mark.parametrize("binarize", ["none", "static", "dynamic"])
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_splits_of_their_own_stream(load, tmp_path, binarize, validation) -> None:
    generator = np.random.default_rng(0)
    sizes = {"train": 50, "validation": 20, "test": 10}
    arrays: Any = {f"{split}_images": generator.integers(0, 256, (size, 6, 5, 3)) for split, size in sizes.items()}
    labels: Any = {f"{split}_labels": generator.integers(0, 4, size) for split, size in sizes.items()}
    np.savez_compressed(tmp_path / "set.npz", **arrays, **labels)
    recipe = {"name": "npz", "root": tmp_path / "set.npz", "binarize": binarize, "validation": validation}
    assert_same(load(**recipe, memory_gib=TINY), load(**recipe))


def test_indexes_and_slices_read_what_a_tensor_gives(load, photos) -> None:
    recipe = {"name": "folder", "root": photos, "image_size": 8}
    streamed, resident = load(**recipe, memory_gib=TINY).train.pixels, load(**recipe).train.pixels
    order = torch.randperm(len(resident))
    for wanted in (0, 7, -1, slice(None), slice(5, 17), slice(40, 1000), slice(3, 3), slice(None, None, 3), order):
        assert torch.equal(streamed[wanted], resident[wanted]), wanted
    picked = streamed.pick(order[:20])
    assert len(picked) == 20
    assert torch.equal(picked[torch.tensor([3, 3, 0])], resident[order[torch.tensor([3, 3, 0])]])
    with pytest.raises(IndexError):
        streamed[len(streamed)]


@pytest.mark.parametrize(
    "images",
    [
        np.random.default_rng(0).random((70, 6, 5, 1)).astype(np.float32),
        np.random.default_rng(0).random((70, 6, 5)) < 0.5,
        np.random.default_rng(0).integers(0, 2, (70, 6, 5)),
        np.random.default_rng(0).integers(0, 2, (70, 6, 5), np.uint8),
        np.random.default_rng(0).integers(0, 256, (70, 6, 5), np.uint8),
        np.random.default_rng(0).integers(0, 256, (70, 6, 5, 3), np.uint8),
    ],
    ids=["floats", "booleans", "zeros and ones", "bits in bytes", "bytes", "colours"],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_of_every_kind_stream(load, tmp_path, images, suffix) -> None:
    path = tmp_path / f"set.{suffix}"
    if suffix == "npy":
        np.save(path, images)
    else:
        np.savez(path, images=images)
    assert_same(load(name="npz", root=path, memory_gib=TINY), load(name="npz", root=path))


def test_an_array_is_written_once_and_anew_when_it_changes(load, tmp_path, cache_home) -> None:
    path = tmp_path / "set.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (40, 6, 5), np.int16))
    first = load(name="npz", root=path, memory_gib=TINY)
    [kept] = cache_home.rglob("*.rows")
    written = kept.stat().st_ino
    load(name="npz", root=path, memory_gib=TINY)
    assert [path.stat().st_ino for path in cache_home.rglob("*.rows")] == [written]
    np.save(path, np.random.default_rng(1).integers(0, 256, (40, 6, 5), np.int16))
    assert not torch.equal(load(name="npz", root=path, memory_gib=TINY).train.pixels[:], first.train.pixels[:])


def test_bytes_in_an_npy_are_read_where_they_are(load, tmp_path, cache_home) -> None:
    path = tmp_path / "set.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), np.uint8))
    assert load(name="npz", root=path, memory_gib=TINY).train.pixels.source.path == path
    assert not list(cache_home.rglob("*.rows"))
    first, again = (load(name="npz", root=path, memory_gib=TINY, binarize="static") for _ in range(2))
    assert first.train.pixels.source.path == again.train.pixels.source.path
    np.save(path, np.random.default_rng(1).integers(0, 256, (40, 6, 5, 3), np.uint8))
    recipe = {"name": "npz", "root": path, "binarize": "static"}
    assert_same(load(**recipe, memory_gib=TINY), load(**recipe))


def test_arrays_that_just_fit_are_read_into_memory_whole(load, tmp_path, monkeypatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 60, 50))
    np.save(tmp_path / "set.npy", images)
    just = 1.1 * images.size / 2**30
    recipe = {"name": "npz", "root": tmp_path / "set.npy"}
    expected, found = load(**recipe), load(**recipe, memory_gib=just)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for sets in (found, load(**recipe, memory_gib=just)):
        assert torch.equal(sets.train.pixels, expected.train.pixels)
        assert sets.notes == ()


def test_arrays_that_are_wrong_are_told_as_in_memory_and_leave_nothing(load, tmp_path, cache_home) -> None:
    np.save(tmp_path / "high.npy", np.arange(40 * 30).reshape(40, 6, 5))
    with pytest.raises(DataError, match=r"holds values from 0 to 1199; expected whole numbers in 0..255"):
        load(name="npz", root=tmp_path / "high.npy", memory_gib=TINY)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(np.ones((40, 6, 5), np.uint8)))
    with pytest.raises(DataError, match=r"fortran.npy: .* in Fortran order.*np\.ascontiguousarray"):
        load(name="npz", root=tmp_path / "fortran.npy", memory_gib=TINY)
    content = io.BytesIO()
    np.savez(content, images=np.ones((40, 60, 50), np.uint8))
    damaged = bytearray(content.getvalue())
    damaged[5000] ^= 1
    (tmp_path / "damaged.npz").write_bytes(damaged)
    assert zipfile.ZipFile(tmp_path / "damaged.npz").testzip() == "images.npy"
    with pytest.raises(DataError, match="`images` is damaged"):
        load(name="npz", root=tmp_path / "damaged.npz", memory_gib=TINY)
    assert [path for path in cache_home.rglob("*") if path.is_file()] == []


def test_a_file_that_shrinks_while_it_is_read_is_told(load, photos, cache_home) -> None:
    pixels = load(name="folder", root=photos, image_size=8, memory_gib=TINY).train.pixels
    [kept] = cache_home.rglob("*.rows")
    with kept.open("r+b") as file:
        file.truncate(100)
    with pytest.raises(DataError, match="was cut short while it was in use"):
        pixels[:]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of a stretch")
def test_memory_stays_within_what_is_allowed(tmp_path) -> None:
    """The resident memory of a process that reads 188 MiB of images with 96 allowed."""
    with zipfile.ZipFile(tmp_path / "large.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": (16_000, 64, 64, 3)}
        )
        with archive.open("images.npy", "w", force_zip64=True) as member:
            member.write(header.getvalue())
            for index in range(160):
                member.write(bytes([index]) * 100 * 64 * 64 * 3)
    program = textwrap.dedent(r"""
        import re, sys
        from pathlib import Path
        import torch
        from vae_tui.data import in_slices, load_image_sets
        from vae_tui.recipe import DataTable
        from vae_tui.training.batches import Batches

        torch.set_num_threads(1)
        torch.randn(1000, 1000) @ torch.randn(1000, 1000)
        Path("/proc/self/clear_refs").write_text("5")  # the peak, from now on
        before = re.search(r"VmRSS:\s*(\d+)", Path("/proc/self/status").read_text())[1]
        data = DataTable(name="npz", root=sys.argv[1], memory_gib=96 / 1024, binarize="static")
        sets = load_image_sets(data, seed=0, data_root=Path(), progress=lambda *_: None)
        sets.train.mean_image, sets.train.checksum
        for part in in_slices(sets.validation.pixels, 500):
            pass
        batches = Batches(sets.train, torch.device("cpu"), 128)
        batches.seek(torch.randperm(len(sets.train)), 0)
        for _ in range(len(sets.train) // 128):
            batches.take(128)
        peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]
        print(sets.byte_count, int(peak) - int(before))
    """)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "large.npz")], capture_output=True, text=True, check=True
    )
    size, grown = map(int, ran.stdout.split())
    assert size == 16_000 * 64 * 64 * 3
    assert grown < 96 << 10
