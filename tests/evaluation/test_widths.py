"""`vae-tui evaluate --ema-width`: a run's weights averaged over a width that is named, or chosen by validation."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import MakeRun, train_events
from invoked import invoke

from vae_tui.errors import DataError, RunError, VaeTuiError
from vae_tui.evaluation.averages import average, find_averages
from vae_tui.evaluation.elbo import evaluate_elbo
from vae_tui.latent.sources import load_sets_of
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata

pytestmark = pytest.mark.slow
WIDTHS = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2]


@pytest.fixture(autouse=True)
def threads_as_before() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


@pytest.fixture
def run(make_run: MakeRun) -> Run:
    run = make_run("train.epochs=8", "optimizer.ema_snapshots=8", "optimizer.lr=0.01", "data.validation=0.2")
    list(train_events(run))
    return run


def evaluate(run: Run | Path, *options: str) -> Any:
    path = run.path if isinstance(run, Run) else run
    return invoke("evaluate", path, "--device", "cpu", "--samples", "5", *options)


def test_the_weights_of_a_width_are_evaluated_and_named(run: Run) -> None:
    plain, narrow, wide = (
        json.loads(evaluate(run, "--json", *options).stdout)
        for options in ([], ["--ema-width", "0.05"], ["--ema-width", "0.25"])
    )
    assert (plain["ema_width"], plain["tried_widths"]) == (None, [])
    assert (narrow["ema_width"], wide["ema_width"]) == (0.05, 0.25)
    assert narrow["step"] == run.averages()[-1].step
    assert narrow["elbo"] > wide["elbo"], "early weights are poor ones"
    sets = load_sets_of(read_metadata(run.latest().path), None, lambda *_: None, run.latest().path)
    assert sets.validation is not None
    vae = average(run, find_averages(run), 0.25, lambda *_: None).vae
    (tried,) = wide["tried_widths"]
    expected = evaluate_elbo(vae, sets.validation.pixels, seed=0).elbo
    assert tried["validation_negative_elbo"] == pytest.approx(-expected)
    assert "weights averaged over the width 0.25" in " ".join(evaluate(run, "--ema-width", "0.25").stdout.split())


def test_auto_takes_the_width_that_validates_best_and_says_how_each_did(run: Run) -> None:
    result = evaluate(run, "--ema-width", "auto", "--json")
    found = json.loads(result.stdout)
    by_width = {tried["width"]: tried["validation_negative_elbo"] for tried in found["tried_widths"]}
    assert list(by_width) == WIDTHS
    assert found["ema_width"] == min(by_width, key=lambda width: by_width[width])
    assert f"chosen: width {found['ema_width']:g}," in result.stderr
    alone = json.loads(evaluate(run, "--ema-width", f"{found['ema_width']}", "--json").stdout)
    assert alone["elbo"] == found["elbo"]
    table = " ".join(evaluate(run, "--ema-width", "auto").stdout.split())
    for width, negative_elbo in by_width.items():
        assert f"width {width:g} {negative_elbo:.2f} validation -ELBO" in table


def test_the_checkpoint_that_is_written_opens_as_any_with_its_own_figures(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "averaged.safetensors"
    result = evaluate(run, "--ema-width", "0.2", "--out", str(out), "--json")
    found = json.loads(result.stdout)
    assert f"wrote {out}" in result.stderr
    metadata = read_metadata(out)
    assert metadata["ema_width"] == 0.2
    assert metadata["recipe"] == read_metadata(run.latest().path)["recipe"]
    assert metadata["step"] == run.latest().step
    (tried,) = found["tried_widths"]
    assert -metadata["validation"]["elbo"] == pytest.approx(tried["validation_negative_elbo"])
    assert metadata["validation"]["loss"] is None
    assert sum(metadata["rate_per_dimension"]) == pytest.approx(metadata["validation"]["rate"])
    assert "train" not in metadata
    vae = average(run, find_averages(run), 0.2, lambda *_: None).vae
    for ours, theirs in zip(load_checkpoint(out).parameters(), vae.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    again = json.loads(evaluate(out, "--json").stdout)
    assert {name: again[name] for name in ("elbo", "nll", "ema_width")} == {
        name: found[name] for name in ("elbo", "nll", "ema_width")
    }
    invoke("sample", out, "--out", tmp_path / "grid.png", "--count", "4")
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(evaluate(run.averages()[0].path, "--json").stdout)["ema_width"] == 0.1
    invoke("sample", run.averages()[0].path, "--out", tmp_path / "kept.png", "--count", "4")


def test_a_checkpoint_of_a_run_means_its_averages_up_to_there(run: Run, tmp_path: Path) -> None:
    early = run.averages()[1]
    snapshot = next(snapshot for snapshot in run.snapshots() if snapshot.step == early.step)
    for path in (early.path, snapshot.path):
        assert json.loads(evaluate(path, "--ema-width", "0.1", "--json").stdout)["step"] == early.step
    out = tmp_path / "averaged.safetensors"
    evaluate(early.path, "--ema-width", "0.1", "--out", str(out))
    kept = load_checkpoint(early.path)
    for ours, theirs in zip(load_checkpoint(out).parameters(), kept.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    with pytest.raises(VaeTuiError, match=r"is no step-\*.safetensors in the folder of a run"):
        evaluate(out, "--ema-width", "0.1")


def test_what_makes_no_sense_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    for width in ("0", "0.3", "wide", "nan"):
        with pytest.raises(VaeTuiError, match=f"--ema-width {width}: expected more than 0 and at most 0.28, or auto"):
            evaluate(run, "--ema-width", width)
    with pytest.raises(VaeTuiError, match="--out is for the weights that --ema-width makes"):
        evaluate(run, "--out", str(tmp_path / "a.safetensors"))
    with pytest.raises(VaeTuiError, match=r"expected a name that ends in .safetensors"):
        evaluate(run, "--ema-width", "0.1", "--out", str(tmp_path / "a.png"))
    with pytest.raises(RunError, match="is no run, but the averages of one"):
        evaluate(run.averages_path, "--ema-width", "0.1")


def test_without_averages_or_validation_images_it_says_what_is_missing(make_run: MakeRun) -> None:
    bare, whole = make_run(name="bare"), make_run("data.validation=0", "optimizer.ema_snapshots=4", name="whole")
    for one in (bare, whole):
        list(train_events(one))
    with pytest.raises(VaeTuiError, match=r"bare kept no averages: \[optimizer\] ema_snapshots keeps them"):
        evaluate(bare, "--ema-width", "auto")
    with pytest.raises(DataError, match=r"chosen by validation images, and the recipe has data.validation = 0"):
        evaluate(whole, "--ema-width", "auto")
    found = json.loads(evaluate(whole, "--ema-width", "0.1", "--json").stdout)
    assert math.isfinite(found["elbo"])
    assert found["tried_widths"][0]["validation_negative_elbo"] is None
