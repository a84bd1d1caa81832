"""`vae-tui encode`: whole splits and folders as codes, in files that other programs read."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events
from PIL import Image
from pyarrow import parquet
from typer.testing import CliRunner

from vae_tui.cli.main import app
from vae_tui.data import as_floats
from vae_tui.errors import DataError, VaeTuiError
from vae_tui.latent.sources import load_sets_of
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata

pytestmark = pytest.mark.slow


def trained(make_run: MakeRun, *overrides: str) -> Run:
    run = make_run("train.epochs=1", *overrides)
    list(train_events(run))
    return run


def encode(run: Run, out: Path, *options: str | Path) -> Any:
    arguments = ["encode", run.path, "--out", out, *options]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    return result


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_codes_of_a_split_are_those_of_its_encoder(make_run: MakeRun, tmp_path: Path) -> None:
    run, out = trained(make_run), tmp_path / "codes.npz"
    assert "12 images, 3 latents" in encode(run, out).stderr
    checkpoint = run.latest().path
    sets = load_sets_of(read_metadata(checkpoint), None, lambda *_: None, checkpoint)
    with torch.no_grad():
        mean, log_variance = load_checkpoint(checkpoint).encode(as_floats(sets.test.pixels[:]))
    with np.load(out) as arrays:
        assert set(arrays) == {"mean", "log_variance", "split", "index", "checkpoint"}
        np.testing.assert_allclose(arrays["mean"], mean.numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(arrays["log_variance"], log_variance.numpy(), rtol=1e-5, atol=1e-6)
        assert set(arrays["split"]) == {"test"}
        assert arrays["index"].tolist() == list(range(12))
        assert str(arrays["checkpoint"]) == str(checkpoint)


def test_every_format_says_the_same(make_run: MakeRun, tmp_path: Path) -> None:
    run = trained(make_run, "data.name=digits", "train.batch_size=200")
    files = [tmp_path / f"codes{suffix}" for suffix in (".npz", ".csv", ".parquet")]
    for file in files:
        encode(run, file, "--split", "all")
    with np.load(files[0]) as arrays:
        mean, splits, classes = arrays["mean"], arrays["split"], arrays["class_names"][arrays["label"]]
        variance = arrays["log_variance"]
    rows = read_rows(files[1])
    assert list(rows[0]) == [
        *("split", "index", "label", "class"),
        *(f"mean_{dimension}" for dimension in range(3)),
        *(f"log_variance_{dimension}" for dimension in range(3)),
    ]
    assert len(rows) == len(mean) == 1797
    assert [row["split"] for row in rows] == splits.tolist()
    assert set(splits) == {"train", "validation", "test"}
    assert [row["class"] for row in rows] == classes.tolist()
    found = np.array([[row[f"mean_{dimension}"] for dimension in range(3)] for row in rows], np.float32)
    assert np.array_equal(found, mean)
    table = parquet.read_table(files[2])
    assert table.column_names == list(rows[0])
    assert np.array_equal(table["log_variance_2"].to_numpy(), variance[:, 2])
    assert table["class"].to_pylist() == classes.tolist()
    assert table.schema.metadata[b"checkpoint"].decode().endswith(".safetensors")


def test_factors_stand_in_columns_by_their_names(make_run: MakeRun, tmp_path: Path) -> None:
    run = trained(make_run, "data.name=sprites", "data.image_size=32", "data.test=0.0003", "train.max_seconds=0.2")
    encode(run, tmp_path / "codes.csv")
    row = read_rows(tmp_path / "codes.csv")[0]
    assert {"factor_shape", "factor_scale", "factor_rotation", "factor_x", "factor_y"} <= set(row)


def test_a_folder_of_other_images_is_encoded_by_its_files(make_run: MakeRun, tmp_path: Path) -> None:
    run, photos = trained(make_run), tmp_path / "photos"
    for name, grey in (("cat/a.png", 20), ("dog/b.png", 220), ("dog/c.jpg", 120)):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (30, 40), grey).save(photos / name)
    encode(run, tmp_path / "codes.csv", "--folder", photos)
    rows = read_rows(tmp_path / "codes.csv")
    assert [(row["file"], row["class"], row["split"]) for row in rows] == [
        ("cat/a.png", "cat", ""),
        ("dog/b.png", "dog", ""),
        ("dog/c.jpg", "dog", ""),
    ]
    vae = load_checkpoint(run.latest().path)
    with torch.no_grad():
        mean, _ = vae.encode(torch.full((1, 1, 8, 6), 20 / 255))
    assert float(rows[0]["mean_1"]) == pytest.approx(mean[0, 1].item(), rel=1e-4)


def test_photos_that_a_run_was_trained_on_are_named(make_run: MakeRun, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(40):
        Image.new("L", (8, 8), index * 6).save(photos / f"{index:02}.png")
    run = trained(make_run, "data.name=folder", f"data.root={photos}", "data.image_size=8", "data.channels=1")
    encode(run, tmp_path / "codes.npz", "--split", "all")
    vae = load_checkpoint(run.latest().path)
    with np.load(tmp_path / "codes.npz") as arrays, torch.no_grad():
        assert sorted(arrays["files"]) == [f"{index:02}.png" for index in range(40)]
        for file, mean in zip(arrays["files"], arrays["mean"], strict=True):
            expected, _ = vae.encode(torch.full((1, 1, 8, 8), int(file[:2]) * 6 / 255))
            np.testing.assert_allclose(mean, expected[0].numpy(), rtol=1e-4, atol=1e-5)


def test_without_pyarrow_it_is_said_what_to_install(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(VaeTuiError, match=r"pip install 'vae-tui\[parquet\]'; .npz and .csv do without"):
        encode(trained(make_run), tmp_path / "codes.parquet")
    assert not (tmp_path / "codes.parquet").exists()


def test_what_cannot_be_encoded_is_a_clear_error(make_run: MakeRun, tmp_path: Path) -> None:
    run = trained(make_run, "data.validation=0")
    with pytest.raises(VaeTuiError, match=r"expected a name that ends in .npz or .csv or .parquet"):
        encode(run, tmp_path / "codes.txt")
    with pytest.raises(DataError, match="there is no validation split"):
        encode(run, tmp_path / "codes.npz", "--split", "validation")
    with pytest.raises(VaeTuiError, match="one of them"):
        encode(run, tmp_path / "codes.npz", "--split", "test", "--folder", tmp_path)
    with pytest.raises(DataError, match=r"--folder .*nowhere is not there: give a folder"):
        encode(run, tmp_path / "codes.npz", "--folder", tmp_path / "nowhere")
    encode(run, tmp_path / "codes.npz", "--split", "all")
    with np.load(tmp_path / "codes.npz") as arrays:
        assert set(arrays["split"]) == {"train", "test"}
