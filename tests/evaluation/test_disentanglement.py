from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from vae_tui.data.sprites import FACTOR_SIZES, draw_sprites
from vae_tui.errors import VaeTuiError
from vae_tui.evaluation.disentanglement import (
    dci,
    factor_vae_score,
    info_mec,
    mutual_information_gap,
    sap_score,
)

SIZES = (3, 6, 10, 16)
COUNT, FEW = 6000, 900


@pytest.fixture(scope="module")
def factors():
    """Factors of images drawn at random; the first of them has no order."""
    return np.random.default_rng(0).integers(0, SIZES, (COUNT, len(SIZES)))


def know(factors, *, spread=(1.0, -0.7, 2.0, 1.3)):
    """Codes of an oracle: a dimension for each factor, in another order, on another scale, and elsewhere."""
    standard = (factors - factors.mean(0)) / factors.std(0)
    return (standard * np.array(spread) + np.array([0, 5, -3, 1]))[:, [2, 0, 3, 1]].astype(np.float32)


def noise(count: int, dimensions: int, *, scale: float = 1.0):
    return np.random.default_rng(1).normal(scale=scale, size=(count, dimensions)).astype(np.float32)


def turn(codes):
    """Codes turned by an eighth in two planes, so that each factor is known to two dimensions alike."""
    first, second = codes[:, :2], codes[:, 2:]
    return np.hstack([first + second, first - second]) / np.sqrt(2)


def standard(factors):
    return know(factors, spread=(1, 1, 1, 1))


@pytest.fixture(params=["bare", "with noise", "with dead dimensions"])
def oracle(request, factors):
    codes = know(factors)
    extra = {
        "bare": np.empty((COUNT, 0), np.float32),
        "with noise": noise(COUNT, 3),
        "with dead dimensions": np.full((COUNT, 3), 0.125, np.float32),
    }[request.param]
    return np.hstack([extra[:, :1], codes, extra[:, 1:]])


def test_an_oracle_has_all_of_the_gap(oracle, factors) -> None:
    assert mutual_information_gap(oracle, factors) > 0.98


@pytest.mark.slow
def test_an_oracle_is_disentangled_complete_and_informative(oracle, factors) -> None:
    found = dci(oracle[:FEW], factors[:FEW, :2])
    assert min(found.disentanglement, found.completeness, found.informativeness) > 0.98
    assert max(found.disentanglement, found.completeness, found.informativeness) <= 1


def test_an_oracle_always_tells_which_factor_was_held_still(oracle, factors) -> None:
    assert factor_vae_score(oracle, factors) == 1


def test_the_gap_of_predictions_is_that_of_linear_classifiers_on_other_codes(factors) -> None:
    """As disentanglement_lib has it: one dimension, one factor, 10,000 codes to learn and 5,000 to predict."""
    coins = np.random.default_rng(2).integers(0, 2, (COUNT, 2))
    codes = np.hstack([coins[:, :1] * 3.0 + 1, noise(COUNT, 1), coins[:, 1:] - 0.5 + noise(COUNT, 1, scale=0.5)])
    right = [1.0, 0.84]  # of the second coin what a normal of deviation 1/2 leaves within half a step
    assert sap_score(codes, coins) == pytest.approx(np.mean(right) - 0.5, abs=0.03)
    assert sap_score(np.hstack([codes, codes]), coins) == pytest.approx(0, abs=1e-9)
    # One line through sixteen classes tells few of them apart.
    assert sap_score(standard(factors), factors) < 0.3


@pytest.mark.slow
def test_random_codes_score_next_to_nothing(factors) -> None:
    codes = noise(COUNT, 6)
    assert mutual_information_gap(codes, factors) < 0.02
    assert sap_score(codes, factors) < 0.03
    found = dci(codes[:FEW], factors[:FEW, :2])
    assert found.disentanglement < 0.05
    assert found.completeness < 0.05
    assert found.informativeness == pytest.approx((1 / 3 + 1 / 6) / 2, abs=0.05)
    assert factor_vae_score(codes, factors) < 0.4


@pytest.mark.slow
def test_codes_of_all_factors_mixed_score_between(factors) -> None:
    codes = turn(standard(factors))
    assert mutual_information_gap(codes, factors) < 0.3
    two = standard(factors)[:FEW, [1, 3]]
    mixed = np.stack([two[:, 0] + 0.4 * two[:, 1], two[:, 1] - 0.4 * two[:, 0]], 1)
    found = dci(mixed, factors[:FEW, :2])
    assert 0.05 < found.disentanglement < 0.9
    assert 0.05 < found.completeness < 0.9
    assert found.informativeness > 0.5
    half = np.hstack([standard(factors)[:, :2], turn(standard(factors))[:, [1, 3]]])
    gaps = [mutual_information_gap(some, factors) for some in (codes, half, standard(factors))]
    assert gaps == sorted(gaps)


@pytest.mark.slow
def test_a_factor_known_to_two_dimensions_is_not_complete_but_they_are_disentangled(factors) -> None:
    known = standard(factors)[:, [1, 3]]
    twice = np.hstack([known, known + noise(COUNT, 2, scale=0.01)])
    found = dci(twice[:FEW], factors[:FEW, :2])
    assert found.disentanglement > 0.98
    assert found.completeness < 0.95
    assert mutual_information_gap(twice, factors[:, :2]) < 0.1
    assert sap_score(twice, factors[:, :2]) < 0.1


@pytest.mark.slow
def test_two_factors_in_one_dimension_are_complete_but_it_is_not_disentangled(factors) -> None:
    # The second factor in whole steps, the first in tenths of one.
    both = (factors[:, 1] + factors[:, 0] / 10)[:, None]
    found = dci(np.hstack([both, noise(COUNT, 1)]).astype(np.float32)[:FEW], factors[:FEW, :2])
    assert found.completeness > 0.9
    assert found.disentanglement < 0.3


def test_the_gap_is_what_its_definition_gives() -> None:
    # A fair coin known to one dimension, and to another in three of four tosses.
    coin = np.tile([0, 1], 200)
    other = np.where(np.arange(400) % 8 < 2, 1 - coin, coin)
    codes = np.stack([coin, other], 1).astype(float)
    share = 0.75
    known = np.log(2) + share * np.log(share) + (1 - share) * np.log(1 - share)
    assert mutual_information_gap(codes, coin[:, None]) == pytest.approx(1 - known / np.log(2))


def test_twenty_bins_limit_the_gap_of_factors_with_more_values() -> None:
    factors = np.stack([np.arange(8000) % 40, np.arange(8000) // 40 % 2], 1)
    codes = factors.astype(float)
    assert mutual_information_gap(codes, factors) == pytest.approx((np.log(20) / np.log(40) + 1) / 2, abs=1e-6)
    assert mutual_information_gap(codes, factors, bins=40) == pytest.approx(1)


def test_one_dimension_has_no_second_best(factors) -> None:
    codes = standard(factors)[:, 1:2]
    assert mutual_information_gap(codes, factors) == pytest.approx(0.25, abs=0.01)
    assert factor_vae_score(codes, factors) < 0.4


def test_a_model_that_has_collapsed_scores_nothing(factors) -> None:
    codes = np.zeros((COUNT, 5), np.float32)
    assert mutual_information_gap(codes, factors) == 0
    assert sap_score(codes, factors) == 0
    assert factor_vae_score(codes, factors) == 0


def test_factors_that_never_change_are_left_out(factors) -> None:
    still = np.insert(factors, 1, 7, axis=1)
    codes = know(factors)
    assert mutual_information_gap(codes, still) == mutual_information_gap(codes, factors)
    assert factor_vae_score(codes, still) == 1
    assert sap_score(codes, still) == sap_score(codes, factors)


def test_dimensions_vote_whatever_their_scale_but_those_that_hardly_change_at_all(factors) -> None:
    codes = standard(factors)[:, [1, 3]]  # of the first two factors
    codes[:, 0] *= 10
    assert factor_vae_score(codes, factors[:, :2]) == 1
    codes[:, 0] *= 0.0055  # a deviation of 0.055
    assert factor_vae_score(codes, factors[:, :2]) == 1
    codes[:, 0] *= 0.8
    assert factor_vae_score(codes, factors[:, :2]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_a_seed_gives_the_same_score_again(factors) -> None:
    codes = turn(standard(factors)) + noise(COUNT, 4)
    codes, factors = codes[:2000], factors[:2000]
    assert factor_vae_score(codes, factors, seed=3) == factor_vae_score(codes, factors, seed=3)
    assert factor_vae_score(codes, factors, seed=3) != factor_vae_score(codes, factors, seed=4)
    few = codes[:300, :4], factors[:300, :1]
    first, again, other = (dci(*few, seed=seed) for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.slow
def test_centres_of_mass_of_sprites_know_where_they_are() -> None:
    import torch

    places = np.arange(32) / 32

    def encode(wanted):
        pixels = draw_sprites(torch.from_numpy(wanted), 32)[:, 0].numpy().astype(np.float64)
        across, down = pixels.sum(1), pixels.sum(2)
        return np.stack([across @ places, down @ places], 1) / across.sum(1)[:, None]

    wanted = np.random.default_rng(0).integers(0, FACTOR_SIZES, (4000, 5))
    codes = encode(wanted)
    # They know two of the five factors, and in 20 bins up to ln 20 nats of ln 32.
    assert mutual_information_gap(codes, wanted) == pytest.approx(0.4 * np.log(20) / np.log(32), abs=0.03)


SCORES = [mutual_information_gap, factor_vae_score, dci, sap_score]


@pytest.mark.parametrize("score", SCORES)
def test_what_cannot_be_scored_is_refused(score, factors) -> None:
    codes = know(factors)
    with pytest.raises(VaeTuiError, match=r"99 codes are too few to be scored; give 100 at least"):
        score(codes[:99], factors[:99])
    with pytest.raises(VaeTuiError, match=r"one at least for each of the N images; got int64 \(6000, 0\)"):
        score(codes, factors[:, :0])
    with pytest.raises(VaeTuiError, match=r"expected factors .* got float64"):
        score(codes, factors / 2)
    with pytest.raises(VaeTuiError, match=r"expected codes \(6000, Z\), real numbers, .* got float32 \(5999, 4\)"):
        score(codes[:-1], factors)
    with pytest.raises(VaeTuiError, match="none of the 2 factors changes in 6,000 images"):
        score(codes, np.ones((COUNT, 2), np.int64))
    codes[17, 2] = np.nan
    with pytest.raises(VaeTuiError, match="codes are not finite"):
        score(codes, factors)


def test_votes_need_codes_that_share_a_value(factors) -> None:
    with pytest.raises(VaeTuiError, match="no 64 of 300 codes share a value of factor 1, which takes 6; give more"):
        factor_vae_score(know(factors)[:300], factors[:300])


def test_importing_it_leaves_heavy_libraries_alone() -> None:
    code = "import sys, vae_tui.evaluation.disentanglement; print('sklearn' in sys.modules, 'scipy' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["False", "False"]


def test_an_oracle_is_modular_compact_and_explicit(oracle, factors) -> None:
    found = info_mec(oracle, factors)
    extra = oracle.shape[1] > 4 and oracle.std(0).min() > 0
    # Noise knows a little of everything, and counts as a dimension.
    assert found.modularity > (0.5 if extra else 0.97)
    assert found.compactness > 0.97
    assert found.explicitness > 0.6, "a line tells many levels apart by half"


def test_turned_codes_are_neither_modular_nor_compact_and_as_explicit(factors) -> None:
    straight, turned = info_mec(standard(factors), factors), info_mec(turn(standard(factors)), factors)
    assert turned.modularity < 0.7 < straight.modularity
    assert turned.compactness < 0.7 < straight.compactness
    assert turned.explicitness == pytest.approx(straight.explicitness, abs=0.02)


def test_noise_is_not_explicit_and_dead_codes_know_nothing(factors) -> None:
    assert info_mec(noise(COUNT, 4), factors).explicitness < 0.02
    dead = info_mec(noise(COUNT, 4, scale=0.001), factors)
    assert (dead.modularity, dead.compactness, dead.explicitness) == (0, 0, 0)
