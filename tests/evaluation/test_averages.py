"""Weights averaged over any width after training, beside those that were averaged over it all along."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MakeRun, train_events

from vae_tui.data import load_image_sets
from vae_tui.errors import CheckpointError, VaeTuiError
from vae_tui.evaluation.averages import average, find_averages, fit_profile, inner_products, power_of
from vae_tui.model import VAE
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.recipe import LoadedRecipe, load_recipe
from vae_tui.runs.layout import Run
from vae_tui.training.power_averages import PowerAverages
from vae_tui.training.preparation import create_run
from vae_tui.training.trainer import Trainer


def _weights(vae: VAE) -> torch.Tensor:
    return torch.cat([parameter.detach().double().flatten() for parameter in vae.parameters()])


def _distance(one: VAE, other: VAE) -> float:
    return float(torch.linalg.vector_norm(_weights(one) - _weights(other)) / torch.linalg.vector_norm(_weights(other)))


def _average(run: Run, width: float, until: int | None = None) -> VAE:
    return average(run, find_averages(run, until), width, lambda *_: None).vae


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on the digits that kept 32 pairs of averages at most."""
    settings = ["train.epochs=6", "train.threads=1", "train.batch_size=20", "model.hidden=[32]", "model.latent_dim=4"]
    recipe = load_recipe("digits", [*settings, "optimizer.ema_snapshots=32"]).recipe
    run = create_run(LoadedRecipe(recipe, "digits"), tmp_path_factory.mktemp("digits"), "digits")
    list(train_events(run))
    return run


@pytest.fixture(scope="module")
def tracked(digits: Run) -> dict[float, VAE]:
    """By width, the averages of the weights at every step of the same training."""
    torch.set_num_threads(1)
    recipe = load_recipe(str(digits.recipe_path)).recipe
    trainer = Trainer(
        recipe, load_image_sets(recipe.data, seed=0, data_root=Path(), progress=lambda *_: None), torch.device("cpu")
    )
    widths = (0.05, 0.03, 0.07, 0.15, 0.2)
    averages = PowerAverages(trainer.vae, widths)
    for _ in range(6):
        trainer.begin_epoch()
        while not trainer.epoch_is_over:
            trainer.step()
            averages.update(trainer.step_count)
    assert _distance(trainer.vae, load_checkpoint(digits.latest().path)) == 0
    return dict(zip(widths, averages.vaes, strict=True))


@pytest.mark.parametrize("width", [0.001, 0.01, 0.05, 0.1, 0.2, 0.28])
def test_a_power_s_profile_is_as_wide_as_the_width(width: float) -> None:
    # As of the density (gamma + 1) t^gamma on (0, 1), Beta(gamma + 1, 1).
    alpha = power_of(width) + 1
    assert alpha >= 1
    assert math.sqrt(alpha / ((alpha + 1) ** 2 * (alpha + 2))) == pytest.approx(width)


@pytest.mark.parametrize("width", [0.0, -0.1, 0.29, math.nan, math.inf])
def test_a_width_that_no_power_has_is_refused(width: float) -> None:
    with pytest.raises(VaeTuiError, match=r"expected more than 0 and at most 0\.28"):
        power_of(width)


def test_inner_products_are_those_of_the_profiles() -> None:
    count = 200_000
    times = (np.arange(count) + 0.5) / count
    steps, powers = [0.3, 0.3, 1.0, 0.7], [16.0, 7.0, 0.5, 100.0]
    profiles = [
        np.where(times <= step, (power + 1) * times**power / step ** (power + 1), 0.0)
        for step, power in zip(steps, powers, strict=True)
    ]
    expected = np.array([[np.mean(one * other) for other in profiles] for one in profiles])
    np.testing.assert_allclose(inner_products(steps, powers, steps, powers), expected, rtol=1e-3)


@pytest.mark.parametrize("width", [0.02, 0.04, 0.08, 0.15, 0.2])
@pytest.mark.parametrize("count", [2, 8, 32])
def test_fitted_averages_of_a_way_in_closed_form_are_those_of_the_width(width: float, count: int) -> None:
    # Where the weights at time t are t^p, their average up to T is (gamma + 1) / (gamma + 1 + p) T^p.
    steps = [1000 * (number + 1) // count for number in range(count) for _ in range(2)]
    powers = [power_of(0.05), power_of(0.10)] * count
    coefficients, misfit = fit_profile(steps, powers, 1000, power_of(width))
    assert coefficients.sum() == pytest.approx(1)
    for degree in (0.0, 0.5, 1.0, 2.0):
        kept = [
            (power + 1) / (power + 1 + degree) * (step / 1000) ** degree
            for step, power in zip(steps, powers, strict=True)
        ]
        exact = (power_of(width) + 1) / (power_of(width) + 1 + degree)
        assert coefficients @ kept == pytest.approx(exact, abs=0.2 * misfit + 1e-9)
    assert misfit < {2: 0.5, 8: 0.4, 32: 0.1}[count]


def test_a_width_that_was_kept_is_met_exactly_and_more_of_them_meet_others_better() -> None:
    powers = [power_of(0.05), power_of(0.10)]
    assert fit_profile([500, 500, 1000, 1000], powers * 2, 1000, powers[0])[1] < 1e-6
    misfits = [
        fit_profile([step for step in range(1, count + 1) for _ in range(2)], powers * count, count, power_of(0.03))[1]
        for count in (2, 4, 8, 16, 32)
    ]
    assert misfits == sorted(misfits, reverse=True)
    assert misfits[-1] < 0.02


@pytest.mark.slow
def test_a_width_that_was_tracked_is_that_to_the_bit(digits: Run, tracked: dict[float, VAE]) -> None:
    kept = load_checkpoint(digits.averages()[-1].path, averaged=False)
    assert _distance(kept, tracked[0.05]) == 0
    assert _distance(_average(digits, 0.05), tracked[0.05]) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(("width", "neighbour"), [(0.03, 0.05), (0.07, 0.05), (0.15, 0.2)])
def test_other_widths_are_nearly_those_tracked_along_and_far_nearer_than_their_neighbours(
    digits: Run, tracked: dict[float, VAE], width: float, neighbour: float
) -> None:
    error = _distance(_average(digits, width), tracked[width])
    apart = _distance(tracked[neighbour], tracked[width])
    assert error < 1e-4
    assert error < apart / 100


@pytest.mark.slow
def test_up_to_a_step_they_are_those_of_that_step(digits: Run) -> None:
    first, *_, last = digits.averages()
    between = find_averages(digits, last.step - 1)
    assert between == digits.averages()[:-1]
    kept = load_checkpoint(first.path)
    assert _distance(_average(digits, 0.10, first.step), kept) < 1e-6
    with pytest.raises(CheckpointError, match=f"no averages up to step {first.step - 1}: the first are of step"):
        find_averages(digits, first.step - 1)


@pytest.mark.slow
def test_statistics_of_a_batch_norm_stay_among_those_there_were(make_run: MakeRun) -> None:
    run = make_run("model.network=conv", "model.channels=[4]", "model.norm=batch", "optimizer.ema_snapshots=2")
    list(train_events(run))
    kept = [load_checkpoint(one.path, averaged=ema) for one in run.averages() for ema in (False, True)]
    for width in (0.01, 0.25):
        found = dict(_average(run, width).named_buffers())
        assert {name.rpartition(".")[2] for name in found} == {"running_mean", "running_var", "num_batches_tracked"}
        for name, value in found.items():
            seen = torch.stack([vae.get_buffer(name) for vae in kept])
            assert bool(((value >= seen.amin(0)) & (value <= seen.amax(0))).all()), name
            if name.endswith("num_batches_tracked"):
                assert int(value) == run.latest().step


@pytest.mark.slow
def test_what_is_none_of_the_run_s_averages_is_named(make_run: MakeRun) -> None:
    run, other = make_run("optimizer.ema_snapshots=4"), make_run("optimizer.ema_snapshots=4", "train.seed=1", name="b")
    for one in (run, other):
        list(train_events(one))
    last = run.averages()[-1].path
    kept = last.read_bytes()
    shutil.copy(other.averages()[-1].path, last)
    with pytest.raises(CheckpointError, match=f"{last} is another run's: it was trained with train.seed = 1"):
        _average(run, 0.08)
    shutil.copy(run.latest().path, last)
    with pytest.raises(CheckpointError, match=f"{last} holds no averages of known widths"):
        _average(run, 0.08)
    last.write_bytes(kept[:-5] + bytes([kept[-5] ^ 1]) + kept[-4:])
    with pytest.raises(CheckpointError, match=f"{last} is damaged"):
        _average(run, 0.08)
    shutil.rmtree(run.averages_path)
    with pytest.raises(CheckpointError, match=r"kept no averages: \[optimizer\] ema_snapshots keeps them"):
        _average(run, 0.08)
