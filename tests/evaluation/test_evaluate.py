"""`vae-tui evaluate`, by its command, on checkpoints as training leaves them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import MakeRun, train_events
from typer.testing import CliRunner

from vae_tui.cli.main import app
from vae_tui.errors import DataError
from vae_tui.runs.layout import Run

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def threads_as_before() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def evaluate(run: Run, *options: str) -> Any:
    result = CliRunner().invoke(app, ["evaluate", str(run.path), "--device", "cpu", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def trained(make_run: MakeRun, *overrides: str) -> Run:
    run = make_run("train.epochs=1", *overrides)
    list(train_events(run))
    return run


def test_the_figures_and_all_they_are_of_come_as_json(make_run: MakeRun) -> None:
    run = trained(make_run, "data.binarize=dynamic")
    found = json.loads(evaluate(run, "--json", "--samples=20", "--count=5", "--seed=3").stdout)
    assert 1 <= found["effective_draws"] <= 20
    assert found["ais_nll"] is None
    assert found["elbo"] == pytest.approx(-(found["distortion"] + found["rate"]))
    assert found["rate"] == pytest.approx(sum(found["rate_per_dimension"]))
    assert found["nll"] <= -found["elbo"] + 0.5
    assert found["nll_standard_error"] > 0
    assert found["bits_per_dimension"] == pytest.approx(found["nll"] / (8 * 6 * math.log(2)))
    assert 0 <= found["active_units"] <= len(found["rate_per_dimension"])
    assert found["mutual_information"] + found["marginal_kl"] == pytest.approx(found["rate"])
    assert (found["samples"], found["count"], found["seed"], found["split"]) == (20, 5, 3, "test")
    assert found["sample_diversity"] > 0
    assert found["reconstruction_sharpness"] > 0
    assert 0 < found["reconstruction_mse"] < 0.25
    assert found["mig"] is found["frechet_distance"] is None
    assert found == json.loads(evaluate(run, "--json", "--samples=20", "--count=5", "--seed=3").stdout)


def test_mutual_information_and_marginal_kl_are_bounds_and_sum_to_the_rate(make_run: MakeRun) -> None:
    run = trained(make_run, "model.latent_dim=1", "objective.beta=4")
    found = json.loads(evaluate(run, "--json", "--samples=5", "--split=train").stdout)
    assert found["mutual_information"] + found["marginal_kl"] == pytest.approx(found["rate"])
    table = " ".join(evaluate(run, "--samples=5", "--split=train").stdout.split())
    assert f"mutual information >= {found['mutual_information']:.2f}" in table
    assert f"marginal KL <= {found['marginal_kl']:.2f}" in table


def test_the_likelihood_is_annealed_where_asked_for(make_run: MakeRun) -> None:
    run = trained(make_run, "data.binarize=dynamic")
    found = json.loads(evaluate(run, "--json", "--samples=2000", "--ais=30").stdout)
    assert found["ais_nll"] == pytest.approx(found["nll"], abs=0.3)
    assert (found["ais_steps"], found["ais_chains"]) == (30, 2)
    below, above = found["ais_sandwich"]
    assert above - below < 1
    assert found["bits_per_dimension"] == pytest.approx(found["ais_nll"] / (8 * 6 * math.log(2)))
    table = " ".join(evaluate(run, "--samples=20", "--ais=30").stdout.split())
    assert f"NLL by AIS {found['ais_nll']:.2f} ±" in table
    assert "-log p(x) at most, 30 annealing steps too high by <= " in table


def test_too_few_draws_that_count_are_warned_of(make_run: MakeRun) -> None:
    run = trained(make_run)
    table = " ".join(evaluate(run, "--samples=3").stdout.split())
    assert "of 3 draws of z no more than" in table
    assert "the NLL is an upper bound" in table
    assert "upper bound, and" not in " ".join(evaluate(run, "--samples=2000").stdout.split())


def test_training_images_that_were_drawn_anew_each_time_are_black_and_white(make_run: MakeRun) -> None:
    """Grey pixels would have a likelihood of their own, far from that of any image that was trained on."""
    run = trained(make_run, "data.binarize=dynamic")
    train, test = (
        json.loads(evaluate(run, "--json", "--samples=20", f"--split={split}").stdout) for split in ("train", "test")
    )
    assert train["binarization"] == test["binarization"] == "drawn once (dynamic in training)"
    assert train["nll"] == pytest.approx(test["nll"], rel=0.15)
    table = evaluate(run, "--samples=5", "--split=train").stdout
    assert "bits per dimension" in table


def test_the_elbo_of_validation_is_that_of_training(make_run: MakeRun) -> None:
    """On the same images, up to the draws of z: the figure on the screen and this one are one."""
    run = trained(make_run)
    found = json.loads(evaluate(run, "--json", "--split=validation", "--samples=500").stdout)
    events = [json.loads(line) for line in run.events_path.read_text().splitlines()]
    (seen,) = [event for event in events if event["event"] == "epoch_completed"]
    assert found["rate"] == pytest.approx(seen["validation"]["rate"], abs=1e-3)
    assert found["elbo"] == pytest.approx(seen["validation"]["elbo"], abs=0.3)


def test_the_table_names_what_the_figures_are_of(make_run: MakeRun) -> None:
    told = evaluate(trained(make_run), "--samples=5").stdout
    for words in ("test:", "all", "binarisation: none", "5 draws of z", "seed 0", "NLL", "active units", "of 3"):
        assert words in told
    assert "Bernoulli on grey pixels is a cross-entropy, not a likelihood" in " ".join(told.split())


def test_samples_are_compared_where_there_are_classes(make_run: MakeRun) -> None:
    found = json.loads(evaluate(trained(make_run, "data.name=digits"), "--json", "--samples=2", "--frechet").stdout)
    assert found["frechet_distance"] > 3 * found["frechet_distance_of_data"] > 0, "hardly trained"


def test_sprites_are_scored_by_their_factors(make_run: MakeRun) -> None:
    run = trained(make_run, "data.name=sprites", "data.image_size=32", "train.max_seconds=0.3", "train.batch_size=64")
    found = json.loads(evaluate(run, "--json", "--samples=2", "--count=20").stdout)
    assert all(0 <= found[name] <= 1 for name in ("mig", "sap", "factor_vae_score"))
    assert found["dci"] is None


def test_dci_is_scored_where_asked_for(make_run: MakeRun) -> None:
    run = trained(
        make_run,
        "data.name=sprites",
        "data.image_size=32",
        "data.test=0.0003",
        "train.max_seconds=0.3",
        "train.batch_size=64",
    )
    found = json.loads(evaluate(run, "--json", "--samples=2", "--count=20", "--dci").stdout)
    assert set(found["dci"]) == {"disentanglement", "completeness", "informativeness"}
    assert 0 <= found["dci"]["disentanglement"] <= 1


@pytest.mark.parametrize(
    ("share", "missing"), [("0.0005", "no FactorVAE score"), ("0.00001", "no scores of disentanglement")]
)
def test_sprites_too_few_to_score_are_evaluated_with_a_note(make_run: MakeRun, share: str, missing: str) -> None:
    run = trained(
        make_run,
        "data.name=sprites",
        "data.image_size=32",
        f"data.test={share}",
        "train.max_seconds=0.3",
        "train.batch_size=64",
    )
    done = evaluate(run, "--samples=2", "--count=20")
    assert missing in " ".join((done.stdout + done.stderr).split())


def test_a_split_that_is_not_there_is_a_clear_error(make_run: MakeRun) -> None:
    run = trained(make_run, "data.validation=0")
    with pytest.raises(DataError, match="there is no validation split"):
        evaluate(run, "--split=validation")


def test_nothing_is_evaluated_without_its_images(make_run: MakeRun, images_path: Path) -> None:
    run = trained(make_run)
    images_path.unlink()
    with pytest.raises(DataError, match=r"blobs.npy is not there; .*--data-root DIR"):
        evaluate(run)
