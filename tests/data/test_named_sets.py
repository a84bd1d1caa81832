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

from vae_tui.data import ImageSets
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


ROWS = IMAGES[:20].reshape(20, 784)


def table(
    header: str | None, labels: np.ndarray | None = LABELS, pixels: np.ndarray = ROWS, delimiter: str = ","
) -> str:
    lines = [] if header is None else [header]
    for index, row in enumerate(pixels):
        begin = [] if labels is None else [str(labels[index])]
        lines.append(delimiter.join([*begin, *map(str, row.tolist())]))
    return "\n".join(lines) + "\n"


PIXELS = ",".join(f"pixel{index}" for index in range(784))


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        (table(f"label,{PIXELS}"), True),
        (table(None), True),
        (table(None, None), False),
        (table(PIXELS, None), False),
        (table(",".join(map(str, range(785)))), True),
        (table(f"\ufefflabel,{PIXELS}").replace("\n", "\r\n"), True),
        (table(None, delimiter="\t"), True),
        (table(None, delimiter=";"), True),
        (table("label," + ",".join(map(str, range(784)))), True),
        (table(f"label,{PIXELS}", pixels=ROWS / 255), True),
    ],
    ids=[
        "header",
        "no header",
        "no labels",
        "pixels alone",
        "pandas",
        "Windows",
        "tabs",
        "semicolons",
        "numbered",
        "floats",
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_tables_of_pixels_are_read(load, tmp_path, text, labelled, zipped) -> None:
    path = tmp_path / ("t.csv.gz" if zipped else "t.csv")
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    sets = load(name="csv", root=path, validation=0.0)
    whole = torch.cat([sets.train.pixels, sets.test.pixels])
    assert sorted(map(tuple, whole.flatten(1).tolist())) == sorted(map(tuple, ROWS.tolist()))
    if labelled:
        row = next(i for i in range(20) if np.array_equal(ROWS[i].reshape(28, 28), sets.train.pixels[0, 0].numpy()))
        assert sets.class_names[sets.train.labels[0]] == str(LABELS[row])
    else:
        assert sets.train.labels is None


def test_labels_of_a_table_may_be_words_and_other_columns_are_told(load, tmp_path) -> None:
    lines = [f"id,{PIXELS},Usage,class"]
    lines += [
        f"{index},{','.join(map(str, row.tolist()))},Training,{'ab'[index % 2]}" for index, row in enumerate(ROWS)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    sets = load(name="csv", root=tmp_path / "t.csv")
    assert sets.class_names == ("a", "b")
    assert "not used: column id of t.csv" in sets.notes


def test_a_table_whose_later_rows_are_written_otherwise_is_the_same_images(load, tmp_path) -> None:
    pixels = RANDOM.integers(0, 256, (2500, 16))
    rows = [f"{index % 3},{','.join(map(str, row))}" for index, row in enumerate(pixels.tolist())]
    (tmp_path / "a.csv").write_text("label," + ",".join(map(str, range(16))) + "\n" + "\n".join(rows))
    rows[1500] = ", ".join(f'"{float(value)}"' for value in rows[1500].split(","))
    rows[1700] += "\n"
    (tmp_path / "b.csv").write_text("label," + ",".join(map(str, range(16))) + "\r\n" + "\r\n".join(rows) + "\r\n\r\n")
    one, other = (load(name="csv", root=tmp_path / name) for name in ("a.csv", "b.csv"))
    assert torch.equal(one.train.pixels, other.train.pixels)
    assert torch.equal(one.train.labels, other.train.labels)
    assert other.class_names == ("0", "1", "2")
    (tmp_path / "c.csv").write_text("\n".join([*rows[:2000], "1,2", *rows[2000:]]))
    with pytest.raises(DataError, match="row 2,001 has 2 values, and others have 17"):
        load(name="csv", root=tmp_path / "c.csv")


def test_a_column_may_list_all_pixels_of_its_row(load, tmp_path) -> None:
    lines = ["emotion,pixels,Usage"]
    lines += [f"{index % 7},{' '.join(map(str, row))},Training" for index, row in enumerate(ROWS.tolist())]
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    sets = load(name="csv", root=tmp_path / "faces.csv", validation=0.0)
    whole = torch.cat([sets.train.pixels, sets.test.pixels])
    assert sorted(map(tuple, whole.flatten(1).tolist())) == sorted(map(tuple, ROWS.tolist()))
    assert sets.class_names == tuple("0123456")
    assert "faces.csv: a column divides it into splits, which are used as such: train 20" in sets.notes
    (tmp_path / "faces.csv").write_text("\n".join([*lines, "3,1 2 3,Training"]))
    with pytest.raises(DataError, match="row 21 has 5 values, and others have 786"):
        load(name="csv", root=tmp_path / "faces.csv")


def rows_of(sets: ImageSets) -> dict[tuple[int, ...], str]:
    """The pixels of all images, and the name of the class of each."""
    parts = [part for part in (sets.train, sets.validation, sets.test) if part is not None]
    found = {}
    for part in parts:
        assert isinstance(part.pixels, torch.Tensor)
        assert part.labels is not None
        for row, label in zip(part.pixels.flatten(1).tolist(), part.labels.tolist(), strict=True):
            found[tuple(row)] = sets.class_names[label]
    return found


def test_rows_that_say_of_which_split_they_are_are_of_that(load, tmp_path) -> None:
    usage = ["Training"] * 14 + ["PublicTest"] * 2 + ["PrivateTest"] * 4
    lines = ["emotion,pixels,Usage"]
    lines += [f"{index % 7},{' '.join(map(str, row))},{usage[index]}" for index, row in enumerate(ROWS.tolist())]
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    sets = load(name="csv", root=tmp_path / "faces.csv", validation=0.0)
    assert torch.equal(sets.train.pixels.flatten(1), torch.from_numpy(ROWS[:14]))
    assert sets.test.labels.tolist() == [index % 7 for index in range(14, 20)]
    assert "faces.csv: a column divides it into splits, which are used as such: train 14, test 6" in sets.notes
    (tmp_path / "faces.csv").write_text("\n".join(lines).replace("PrivateTest", "elsewhere"))
    sets = load(name="csv", root=tmp_path / "faces.csv", validation=0.0)
    assert len(sets.train) + len(sets.test) == 20
    assert "faces.csv: its column of splits is not used, for it holds PublicTest, Training, elsewhere" in sets.notes


def test_labels_may_be_in_the_last_column(load, tmp_path) -> None:
    for name, labels in (("numbers", [index % 5 for index in range(20)]), ("words", ["cat", "dog"] * 10)):
        path = tmp_path / f"{name}.csv"
        path.write_text(
            "\n".join(f"{','.join(map(str, row))},{label}" for row, label in zip(ROWS, labels, strict=True))
        )
        sets = load(name="csv", root=path)
        assert rows_of(sets) == dict(zip(map(tuple, ROWS.tolist()), map(str, labels), strict=True))
        assert f"{path.name}: column 785 is read as labels" in sets.notes


def test_no_row_is_lost_to_what_looks_like_a_header(load, tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(None).replace("\n", ",\n"))
    assert len(rows_of(load(name="csv", root=path))) == 20
    path.write_text(table(None).replace(f"{LABELS[0]},", ",", 1))
    sets = load(name="csv", root=path, validation=0.0)
    assert len(sets.train) + len(sets.test) == 20
    assert "labels are left out: 1 of 20 rows have none" in sets.notes


@pytest.mark.parametrize(("encoding", "separator"), [("utf-16", ","), ("latin-1", "|"), ("utf-8-sig", ";")])
def test_a_table_may_be_of_other_encodings_and_separators(load, tmp_path, encoding, separator) -> None:
    text = table(f"label,{PIXELS}").replace(f"\n{LABELS[0]},", "\ncafé,").replace(",", separator)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    sets = load(name="csv", root=tmp_path / "t.csv")
    assert rows_of(sets).keys() == set(map(tuple, ROWS.tolist()))
    assert sets.class_names[-1] == ("caf\udce9" if encoding == "latin-1" else "café")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        (f"label,{PIXELS}\n", "a header and no rows"),
        ("a,b,c\n1,2,3\n", "no square images"),
        (table(None) + "1,2,3\n", "row 21 has 3 values, and others have 785"),
        (table(None).replace("\n", ",7\n"), "no square images"),
        (table(None, pixels=ROWS.astype(int) * 2), "values from 0 to 510; expected whole numbers in 0..255"),
        (table(None, pixels=np.where(ROWS == 9, np.nan, 0.5)), "NaN"),
        (table(None) + table(None).replace(",7,", ",x,"), "row .* holds .x.; expected numbers"),
        ("# drawn by hand\n" + table(None), "no square images.*its first row begins with '#'"),
        ("'7','8','9'\n'7','8','9'\n", "no square images.*its first row begins with \"'7'\""),
        (f"{PIXELS},label\n" + table(None, None), "row 1 has 784 values, and the header names 785 or more"),
        (table(None, pixels=ROWS.astype(float) * 1e12), "values from 0 to 1000000000"),
        ("PK\x03\x04", "is no table of text: it is a ZIP archive"),
        ("1,2\0,3", "is no table of text, but binary"),
    ],
    ids=[
        *("empty", "header alone", "few columns", "short row", "a column more", "range", "NaN", "no number", "comment"),
        *("single quotes", "label missing", "far out of range", "archive", "binary"),
    ],
)
def test_tables_of_anything_else_are_refused_by_row(load, tmp_path, text, told) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=rf"t.csv.*{told}"):
        load(name="csv", root=tmp_path / "t.csv")


def test_a_folder_may_have_a_table_for_each_split(load, tmp_path) -> None:
    (tmp_path / "mnist_train.csv").write_text(table(f"label,{PIXELS}"))
    (tmp_path / "mnist_test.csv").write_text(table(PIXELS, None, ROWS[:4]))
    (tmp_path / "sample_submission.csv").write_text("a,b")
    sets = load(name="csv", root=tmp_path, validation=0.0)
    assert [len(sets.train), len(sets.test)] == [20, 4]
    assert sets.test.labels is None
    assert sets.notes[0] == "not used: 1 .csv (sample_submission.csv)"
    (note, *_) = load(name="csv", root=tmp_path / "mnist_train.csv").notes
    assert note == "not used: mnist_test.csv beside mnist_train.csv; name the folder to read both"
    (tmp_path / "test.csv").write_text("1")
    with pytest.raises(DataError, match=r"expected one .csv file, or one called after each split.*mnist_train.csv"):
        load(name="csv", root=tmp_path)


def test_tables_of_different_ranges_are_refused(load, tmp_path) -> None:
    (tmp_path / "train.csv").write_text(table(None, pixels=ROWS // 128))
    (tmp_path / "test.csv").write_text(table(None))
    with pytest.raises(DataError, match=r"holds 0 and 1, but .*test.csv and holds values up to 255"):
        load(name="csv", root=tmp_path)


def test_an_array_reader_names_the_reader_of_tables(load, tmp_path) -> None:
    (tmp_path / "t.csv").write_text(table(None))
    with pytest.raises(DataError, match=r'data.name = "csv" reads it'):
        load(name="npz", root=tmp_path / "t.csv")
