"""Tables of pixels: which columns are what, whatever separates and surrounds them."""

import gzip

import numpy as np
import pytest
import torch

from vae_tui.data import ImageSets
from vae_tui.errors import DataError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (60, 28, 28), np.uint8)
LABELS = RANDOM.integers(0, 10, 60, np.uint8)
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
