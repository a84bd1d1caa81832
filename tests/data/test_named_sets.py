"""Named sets in every layout that people have them in."""

import gzip
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_tui.data.download import DownloadFailed
from vae_tui.data.inventory import list_sets
from vae_tui.data.pickled_arrays import NotPlain, read_plain
from vae_tui.errors import DataError

RANDOM = np.random.default_rng(0)
IMAGES, TEST_IMAGES = (RANDOM.integers(0, 256, (count, 28, 28), np.uint8) for count in (60, 12))
LABELS, TEST_LABELS = (RANDOM.integers(0, 10, count, np.uint8) for count in (60, 12))
FILES = {
    "train-images-idx3-ubyte": IMAGES,
    "train-labels-idx1-ubyte": LABELS,
    "t10k-images-idx3-ubyte": TEST_IMAGES,
    "t10k-labels-idx1-ubyte": TEST_LABELS,
}


def idx(array: np.ndarray) -> bytes:
    code = {"u1": 8, "i4": 12}[array.dtype.str[1:]]
    stored = array.astype(array.dtype.newbyteorder(">"))
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + stored.tobytes()


@pytest.fixture
def put(tmp_path):
    def put(folder: str, files: dict[str, np.ndarray], zipped: bool = False) -> None:
        for name, array in files.items():
            path = tmp_path / folder / (f"{name}.gz" if zipped else name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(idx(array), mtime=0) if zipped else idx(array))

    return put


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(urls, path, *_):
        raise DownloadFailed([f"{urls[0]}: no network"])

    monkeypatch.setattr("vae_tui.data.mnist.download", refuse)
    monkeypatch.setattr("vae_tui.data.cifar.download", refuse)


def is_mnist(sets) -> bool:
    same = torch.equal(sets.train.pixels[:, 0], torch.from_numpy(IMAGES))
    return same and torch.equal(sets.test.labels, torch.from_numpy(TEST_LABELS).long())


@pytest.mark.parametrize("folder", ["MNIST/raw", "MNIST", "mnist", "mnist/raw", ".", "raw", "Mnist_data"])
@pytest.mark.parametrize("form", ["plain", "gz", "dots", "own folders"])
def test_mnist_is_found_where_people_keep_it(load, put, tmp_path, folder, form) -> None:
    names = {name: name for name in FILES}
    if form == "dots":
        names = {name: name.replace("-idx", ".idx") for name in FILES}
    if form == "own folders":
        names = {name: f"{name}/{name}" for name in FILES}
    put(folder, {names[name]: array for name, array in FILES.items()}, zipped=form == "gz")
    sets = load(name="mnist", validation=0.0)
    assert is_mnist(sets)
    usual = folder == "MNIST/raw"
    assert sets.notes == (() if usual else (f"mnist is read from {tmp_path / folder}",))
    assert list_sets(tmp_path)["mnist"]


@pytest.mark.parametrize("name", ["mnist.npz", "MNIST/mnist.npz", "mnist/MNIST.npz"])
def test_keras_archive_will_do(load, tmp_path, name) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    np.savez(tmp_path / name, x_train=IMAGES, y_train=LABELS, x_test=TEST_IMAGES, y_test=TEST_LABELS)
    sets = load(name="mnist", validation=0.0)
    assert is_mnist(sets)
    assert f"mnist is read from {tmp_path / name}" in sets.notes


def test_what_is_packed_is_known_by_its_content(load, put, tmp_path) -> None:
    put("MNIST/raw", FILES)
    for number, name in enumerate(FILES):
        path = tmp_path / "MNIST" / "raw" / name
        if number % 2:
            path.write_bytes(gzip.compress(path.read_bytes()))
        else:
            path.rename(path.with_name(f"{name}.gz"))
    assert is_mnist(load(name="mnist", validation=0.0))


def test_one_set_is_not_taken_for_another(load, put, tmp_path) -> None:
    put("FashionMNIST/raw", FILES)
    for root in (tmp_path, tmp_path / "FashionMNIST", tmp_path / "FashionMNIST" / "raw"):
        with pytest.raises(DataError, match=r"mnist: not in .*MNIST/raw"):
            load(name="mnist", data_root=root)
        assert load(name="fashion-mnist", data_root=root).class_names[0] == "T-shirt/top"


def test_what_is_missing_is_told_with_where_it_was_looked_for(load, put, tmp_path) -> None:
    put("mnist", {name: array for name, array in FILES.items() if "train" in name})
    with pytest.raises(DataError) as error:
        load(name="mnist")
    for words in (
        f"not in {tmp_path / 'MNIST' / 'raw'} (nor in {tmp_path / 'mnist'}, {tmp_path})",
        "where there are train-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte.gz",
        "no network",
        "--data-root",
        "--set data.name=digits",
    ):
        assert words in str(error.value)


def test_kmnist_is_read(load, put) -> None:
    put("KMNIST/raw", FILES, zipped=True)
    sets = load(name="kmnist", validation=0.0)
    assert is_mnist(sets)
    assert sets.class_names == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


@pytest.mark.parametrize("folder", ["KMNIST/raw", "kmnist", "."])
def test_kmnist_is_read_from_its_archives_of_one_array_each(load, tmp_path, folder) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name, array in zip(("train-imgs", "train-labels", "test-imgs", "test-labels"), FILES.values(), strict=True):
        np.savez_compressed(tmp_path / folder / f"kmnist-{name}.npz", array)
    assert is_mnist(load(name="kmnist", validation=0.0))
    np.savez(tmp_path / folder / "kmnist-test-labels.npz", TEST_LABELS, TEST_LABELS)
    with pytest.raises(DataError, match=r"kmnist-test-labels.npz holds 2 arrays; expected one"):
        load(name="kmnist")


@pytest.mark.parametrize("folder", ["QMNIST/raw", "MNIST/raw", "."])
def test_qmnist_labels_have_eight_columns(load, put, folder) -> None:
    columns = np.stack([LABELS, *RANDOM.integers(0, 4000, (7, 60))], 1).astype(np.int32)
    tests = np.stack([TEST_LABELS, *RANDOM.integers(0, 4000, (7, 12))], 1).astype(np.int32)
    parts = (IMAGES, columns, TEST_IMAGES, tests)
    names = ("train-images-idx3-ubyte", "train-labels-idx2-int", "test-images-idx3-ubyte", "test-labels-idx2-int")
    put(folder, {f"qmnist-{name}": part for name, part in zip(names, parts, strict=True)}, zipped=True)
    assert is_mnist(load(name="qmnist", validation=0.0))


@pytest.mark.parametrize(
    ("split", "classes", "first"),
    [
        ("balanced", 47, 0),
        ("byclass", 62, 0),
        ("bymerge", 47, 0),
        ("letters", 26, 1),
        ("digits", 10, 0),
        ("mnist", 10, 0),
    ],
)
@pytest.mark.parametrize("folder", ["EMNIST/raw", "emnist/gzip", "MNIST/raw"])
def test_emnist_is_several_sets_and_stands_upright(load, put, split, classes, first, folder) -> None:
    labels = (np.arange(60) % classes + first).astype(np.uint8)
    parts = (IMAGES.transpose(0, 2, 1), labels, TEST_IMAGES.transpose(0, 2, 1), labels[:12])
    names = ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")
    put(folder, {f"emnist-{split}-{name}-ubyte": part for name, part in zip(names, parts, strict=True)}, zipped=True)
    sets = load(name="emnist", split=split, validation=0.0)
    assert torch.equal(sets.train.pixels[:, 0], torch.from_numpy(IMAGES))
    assert len(sets.class_names) == classes
    assert sets.train.labels[:3].tolist() == [0, 1, 2]


def test_emnist_archive_that_is_there_is_unpacked_as_far_as_it_is_wanted(load, tmp_path) -> None:
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    names = ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")
    with zipfile.ZipFile(raw / "gzip.zip", "w") as archive:
        for name, part in zip(names, FILES.values(), strict=True):
            for split in ("digits", "mnist"):
                archive.writestr(f"gzip/emnist-{split}-{name}-ubyte.gz", gzip.compress(idx(part)))
    assert load(name="emnist", split="digits").class_names == tuple("0123456789")
    assert sorted(os.listdir(raw)) == sorted([*(f"emnist-digits-{name}-ubyte.gz" for name in names), "gzip.zip"])


def test_letters_among_digits_are_named_as_what_they_are(load, put) -> None:
    put("MNIST/raw", FILES | {"train-labels-idx1-ubyte": np.full(60, 26, np.uint8)})
    with pytest.raises(DataError, match=r'the label 26; expected 0 to 9; data.name = "emnist" reads letters'):
        load(name="mnist")


COLOUR = RANDOM.integers(0, 256, (60, 3, 32, 32), np.uint8)
CLASSES = RANDOM.integers(0, 10, 60)


def write_cifar10(folder: Path, protocol: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(np.split(np.arange(60), 6), 1):
        batch = {
            b"data": COLOUR[part].reshape(10, 3072),
            b"labels": CLASSES[part].tolist(),
            b"filenames": [b"x.png"] * 10,
        }
        name = f"data_batch_{number}" if number < 6 else "test_batch"
        (folder / name).write_bytes(pickle.dumps(batch, protocol=protocol))


def is_cifar10(sets) -> bool:
    same = torch.equal(sets.train.pixels, torch.from_numpy(COLOUR[:50]))
    return same and torch.equal(sets.test.labels, torch.from_numpy(CLASSES[50:])) and sets.class_names[6] == "frog"


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_batches_of_any_protocol_are_read(load, tmp_path, protocol) -> None:
    write_cifar10(tmp_path / "cifar-10-batches-py", protocol)
    sets = load(name="cifar10", validation=0.0)
    assert is_cifar10(sets)
    assert sets.notes == ()


@pytest.mark.parametrize("folder", ["cifar10", "CIFAR-10/cifar-10-batches-py", "."])
def test_batches_are_found_where_people_keep_them(load, tmp_path, folder) -> None:
    write_cifar10(tmp_path / folder)
    sets = load(name="cifar10", validation=0.0)
    assert is_cifar10(sets)
    assert sets.notes == (f"cifar10 is read from {tmp_path / folder}",)
    assert list_sets(tmp_path)["cifar10"]


def test_the_archive_as_it_comes_will_do(load, tmp_path) -> None:
    write_cifar10(tmp_path / "made" / "cifar-10-batches-py")
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    assert is_cifar10(load(name="cifar10", validation=0.0))
    content = (tmp_path / "cifar-10-python.tar.gz").read_bytes()
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"cifar-10-python.tar.gz is damaged or was cut short"):
        load(name="cifar10")


def test_binary_batches_are_read(load, tmp_path) -> None:
    records = np.concatenate([CLASSES[:, None].astype(np.uint8), COLOUR.reshape(60, 3072)], 1)
    (tmp_path / "cifar-10-batches-bin").mkdir()
    for number, part in enumerate(np.split(records, 6), 1):
        name = f"data_batch_{number}.bin" if number < 6 else "test_batch.bin"
        (tmp_path / "cifar-10-batches-bin" / name).write_bytes(part.tobytes())
    assert is_cifar10(load(name="cifar10", validation=0.0))


@pytest.mark.parametrize("binary", [True, False])
def test_cifar100_has_fine_labels(load, tmp_path, binary) -> None:
    folder = tmp_path / ("cifar-100-binary" if binary else "cifar-100-python")
    folder.mkdir()
    fine, coarse = np.arange(60) + 40, np.arange(60) % 20
    for name, part in (("train", slice(0, 50)), ("test", slice(50, 60))):
        flat = COLOUR[part].reshape(-1, 3072)
        if binary:
            both = np.stack([coarse[part], fine[part]], 1).astype(np.uint8)
            (folder / f"{name}.bin").write_bytes(np.concatenate([both, flat], 1).tobytes())
        else:
            held = {b"data": flat, b"fine_labels": fine[part].tolist(), b"coarse_labels": coarse[part].tolist()}
            (folder / name).write_bytes(pickle.dumps(held, protocol=2))
    sets = load(name="cifar100", validation=0.0)
    assert sets.train.labels.tolist() == fine[:50].tolist()
    assert [sets.class_names[0], sets.class_names[1], sets.class_names[99]] == ["apple", "aquarium fish", "worm"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "damaged or was cut short"),
        (b"cposix\nsystem\n(S'touch ran'\ntR.", "wants to call posix.system"),
        (pickle.dumps({b"data": os.getcwd}), "wants to call"),
        (pickle.dumps(np.array([{}], object)), "wants to call|expected whole numbers|damaged"),
        (b"\x80\x02K\x01r\xff\xff\xff\x7f.", "damaged"),
        (pickle.dumps({b"labels": [1]}), "no batch of CIFAR"),
        (pickle.dumps({b"data": np.zeros((4, 9), np.uint8), b"labels": [1] * 4}), "no batch of CIFAR"),
        (
            pickle.dumps({b"data": np.zeros((4, 3072), np.float32), b"labels": [1] * 4}),
            "no batch|expected whole numbers",
        ),
        (pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [1] * 3}), "3 labels for 4 images"),
        (pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [10] * 4}), "the label 10; expected 0 to 9"),
    ],
    ids=["empty", "system", "function", "objects", "memo", "no data", "few", "floats", "labels", "label"],
)
def test_pickles_that_are_no_batches_are_refused_and_run_nothing(load, tmp_path, monkeypatch, content, told) -> None:
    monkeypatch.chdir(tmp_path)
    write_cifar10(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(content)
    with pytest.raises(DataError, match=rf"data_batch_2.*({told})"):
        load(name="cifar10")
    assert not (tmp_path / "ran").exists()


def test_every_truncation_of_a_pickle_is_noticed() -> None:
    content = pickle.dumps({b"data": np.zeros((2, 30), np.uint8), b"labels": [1, 2]}, protocol=2)
    for length in range(len(content)):
        with pytest.raises(NotPlain):
            read_plain(content[:length])


def test_what_cifar_is_looked_for_as_is_told(load, tmp_path) -> None:
    with pytest.raises(DataError) as error:
        load(name="cifar10")
    for words in (str(tmp_path), "cifar-10-batches-py/", "cifar-10-python.tar.gz", "no network", "--data-root"):
        assert words in str(error.value)
