import gzip
import hashlib
import os
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_tui.data.idx_sets import FILE_NAMES, SETS
from vae_tui.errors import DataError

GENERATOR = np.random.default_rng(0)
ARRAYS = dict(
    zip(
        FILE_NAMES,
        [
            GENERATOR.integers(0, 256, (60, 28, 20), np.uint8),
            GENERATOR.integers(0, 10, 60, np.uint8),
            GENERATOR.integers(0, 256, (12, 28, 20), np.uint8),
            GENERATOR.integers(0, 10, 12, np.uint8),
        ],
        strict=True,
    )
)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder: Path, *, zipped: bool, **replaced: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in {**ARRAYS, **replaced}.items():
        content = idx(array)
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_files_at_hand_are_read(load, tmp_path, name, zipped) -> None:
    write(tmp_path / SETS[name].torchvision_class / "raw", zipped=zipped)
    sets = load(name=name, validation=0.0)
    images, labels, test_images, test_labels = map(torch.from_numpy, ARRAYS.values())
    assert torch.equal(sets.train.pixels, images.unsqueeze(1))
    assert torch.equal(sets.train.labels, labels.long())
    assert torch.equal(sets.test.pixels, test_images.unsqueeze(1))
    assert torch.equal(sets.test.labels, test_labels.long())
    assert sets.validation is None
    assert len(sets.class_names) == 10


def test_validation_is_cut_from_train(load, tmp_path) -> None:
    write(tmp_path / "MNIST" / "raw", zipped=True)
    sets = load(name="mnist")
    assert [len(sets.train), len(sets.validation), len(sets.test)] == [54, 6, 12]


@pytest.mark.slow
def test_class_names_are_those_of_torchvision() -> None:
    from torchvision.datasets import FashionMNIST

    assert list(SETS["fashion-mnist"].class_names) == FashionMNIST.classes


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_to_will_do(load, tmp_path) -> None:
    folder = write(tmp_path / "MNIST" / "raw", zipped=True)
    folder.chmod(0o500)
    try:
        load(name="mnist")
    finally:
        folder.chmod(0o700)


def test_reading_writes_nothing(load, tmp_path) -> None:
    folder = write(tmp_path / "MNIST" / "raw", zipped=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    load(name="mnist")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("keep", [0, 3, 9, 100, -1])
def test_files_cut_short_are_named(load, tmp_path, zipped, keep) -> None:
    folder = write(tmp_path / "MNIST" / "raw", zipped=zipped)
    path = folder / ("t10k-images-idx3-ubyte" + (".gz" if zipped else ""))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError) as error:
        load(name="mnist")
    assert str(error.value).startswith(str(path))
    assert "delete it to download it anew" in str(error.value)


def test_flipped_bytes_in_a_gzip_are_noticed(load, tmp_path) -> None:
    path = write(tmp_path / "MNIST" / "raw", zipped=True) / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[1000] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz is damaged"):
        load(name="mnist")


@pytest.mark.parametrize(
    ("replaced", "told"),
    [
        ({FILE_NAMES[1]: ARRAYS[FILE_NAMES[1]][:-1]}, "59 labels for the 60 images"),
        ({FILE_NAMES[3]: np.full(12, 10, np.uint8)}, "holds the label 10; expected 0 to 9"),
        ({FILE_NAMES[2]: ARRAYS[FILE_NAMES[2]][:, 1:]}, "holds images of 27 x 20 pixels"),
        ({FILE_NAMES[0]: ARRAYS[FILE_NAMES[0]][:0]}, "holds no images"),
        ({FILE_NAMES[0]: ARRAYS[FILE_NAMES[0]][0]}, "is no idx file of 3-dimensional bytes"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(load, tmp_path, replaced, told) -> None:
    write(tmp_path / "MNIST" / "raw", zipped=False, **replaced)
    with pytest.raises(DataError, match=told):
        load(name="mnist")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_sets(load, real_data, name) -> None:
    if not (real_data / SETS[name].torchvision_class / "raw").is_dir():
        pytest.skip(f"no {SETS[name].torchvision_class} in {real_data}")
    sets = load(name=name, data_root=real_data, validation=0.0)
    assert sets.train.pixels.shape == (60_000, 1, 28, 28)
    assert sets.test.pixels.shape == (10_000, 1, 28, 28)
    mean = sets.train.pixels.sum(dtype=torch.int64).item() / sets.train.pixels.numel() / 255
    assert mean == pytest.approx({"mnist": 0.1307, "fashion-mnist": 0.2860}[name], abs=1e-4)
    assert sets.train.labels[:5].tolist() == {"mnist": [5, 0, 4, 1, 9], "fashion-mnist": [9, 0, 0, 3, 0]}[name]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on this machine, and the folder it serves the four files from."""
    folder = write(tmp_path / "served", zipped=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/", folder
        http.shutdown()
        thread.join()


@pytest.fixture
def mirrors(monkeypatch, server):
    """Sets where FashionMNIST is downloaded from; the checksums are those of the files the server has."""
    from torchvision.datasets import FashionMNIST

    _, folder = server
    monkeypatch.setenv("no_proxy", "*")
    checksums = [(f"{name}.gz", hashlib.md5((folder / f"{name}.gz").read_bytes()).hexdigest()) for name in FILE_NAMES]
    monkeypatch.setattr(FashionMNIST, "resources", checksums)
    return lambda *urls: monkeypatch.setattr(FashionMNIST, "mirrors", list(urls))


NOBODY = "http://127.0.0.1:1/"


@pytest.mark.slow
def test_missing_files_are_downloaded_once(load, said, tmp_path, server, mirrors) -> None:
    url, folder = server
    mirrors(url)
    first = load(name="fashion-mnist")
    target = tmp_path / "FashionMNIST" / "raw"
    assert sorted(os.listdir(target)) == sorted(f"{name}.gz" for name in FILE_NAMES)
    size = (folder / "train-images-idx3-ubyte.gz").stat().st_size
    stage = "downloading train-images-idx3-ubyte.gz"
    assert said.index((stage, 0, size)) < said.index((stage, size, size))
    mirrors(NOBODY)
    again = load(name="fashion-mnist")
    assert torch.equal(first.train.pixels, again.train.pixels)


def test_only_what_is_missing_is_downloaded(load, said, tmp_path, server, mirrors) -> None:
    mirrors(server[0])
    (write(tmp_path / "FashionMNIST" / "raw", zipped=True) / f"{FILE_NAMES[3]}.gz").unlink()
    load(name="fashion-mnist")
    assert {stage for stage, _, _ in said if "downloading " in stage} == {f"downloading {FILE_NAMES[3]}.gz"}


def test_the_next_mirror_is_asked_where_one_fails(load, server, mirrors) -> None:
    mirrors(NOBODY, f"{server[0]}gone/", server[0])
    assert len(load(name="fashion-mnist").test) == 12


def test_what_was_looked_for_and_why_it_failed_is_told(load, tmp_path, server, mirrors) -> None:
    mirrors(NOBODY, f"{server[0]}gone/")
    with pytest.raises(DataError) as error:
        load(name="fashion-mnist")
    folder = tmp_path / "FashionMNIST" / "raw"
    for words in (
        f"not in {folder}",
        *FILE_NAMES,
        f"{NOBODY}train-images-idx3-ubyte.gz: ",
        "refused",
        "404",
        "FashionMNIST/raw with --data-root",
        "--set data.name=digits",
    ):
        assert words in str(error.value)
    assert not folder.exists()


def test_a_download_that_is_not_the_file_is_thrown_away(load, tmp_path, server, mirrors) -> None:
    url, folder = server
    mirrors(url)
    (folder / f"{FILE_NAMES[0]}.gz").write_bytes(b"<html>please log in</html>")
    with pytest.raises(DataError, match="the 26 bytes that came are not the file: md5"):
        load(name="fashion-mnist")
    assert list((tmp_path / "FashionMNIST" / "raw").iterdir()) == []


def test_a_data_root_that_cannot_be_made_is_told(load, tmp_path, server, mirrors) -> None:
    mirrors(server[0])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="Not a directory"):
        load(name="fashion-mnist", data_root=tmp_path / "file")
