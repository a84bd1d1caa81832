"""How far each latent dimension stands for one factor of the images, and each factor for one dimension.

Codes are (N, Z), real numbers: the means of N images' posteriors. Factors are (N, F), whole numbers: what each image was
made from. A factor that never changes says nothing and is left out; so does a dimension that never changes, which counts
as knowing nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.errors import DataError

Values = NDArray[np.floating[Any]]
Factors = NDArray[np.int64]
Encode = Callable[[Factors], Values]
"""From factors (B, F) to the codes (B, Z) of images drawn from them."""

FEWEST_CODES = 100
_VOTES = 800
"""To learn from, and as many to be judged by."""
_CODES_A_VOTE = 64
_VOTES_AT_ONCE = 16
_CODES_FOR_VARIANCES = 10_000
_LEAST_VARIANCE = 0.05
"""Of the largest variance of any dimension."""
_TREES = 10
_FEWEST_IN_A_LEAF = 5
_TRAINED_ON = 2 / 3


@dataclass(frozen=True)
class Dci:
    """Three scores in [0, 1], 1 the best: of dimensions, of factors, and of all codes together."""

    disentanglement: float
    completeness: float
    informativeness: float


def mutual_information_gap(codes: Values, factors: Factors, *, bins: int = 20) -> float:
    """MIG: by how much the best dimension for a factor knows more of it than the second best, in [0, 1], over factors.

    `codes` (N, Z) are cut into `bins` of equal width between each dimension's ends; what a dimension then knows of a
    factor, of `factors` (N, F), is their mutual information over the factor's entropy. Bins fewer than a factor has
    values set a limit: with 20, no codes of the sprites score more than 0.91, and with 40 they may score 1. Raises
    DataError for too few codes, or factors that never change. Chen et al., Isolating Sources of Disentanglement in
    Variational Autoencoders, 2018, section 4.1; on binned means as in Locatello et al., Challenging Common Assumptions
    in the Unsupervised Learning of Disentangled Representations, 2019.
    """
    codes, factors, _ = _check(codes, factors)
    binned = np.stack([_cut(column, bins) for column in codes.T], 1)
    known = np.array(
        [[_mutual_information(code, factor) for factor in factors.T] for code in binned.T]
    )  # (Z, F), in nats
    entropies = np.array([_mutual_information(factor, factor) for factor in factors.T])
    return _mean_gap(known / entropies)


def factor_vae_score(encode: Encode, factor_sizes: Sequence[int], *, seed: int = 0) -> float:
    """FactorVAE score: how often the dimension that changes least tells which factor was held still, in [0, 1].

    `encode` gives the codes (B, Z) of images drawn from factors (B, F), each from 0 to below its `factor_sizes`; it is
    called for 112,400 images. Each vote holds one factor still in 64 images, and looks for the dimension whose variance,
    over that of 10,000 codes of any images, is smallest; dimensions with less than 0.05 of the largest variance have no
    vote, as they say nothing. 800 votes settle which factor each dimension stands for, 800 more are the score; without
    a dimension that changes, it is 0. Raises DataError for factors without choice. Kim and Mnih, Disentangling by
    Factorising, 2018, section 4.
    """
    sizes = np.asarray(factor_sizes, np.int64)
    varying = np.flatnonzero(sizes > 1)
    if not len(varying):
        raise DataError(f"FactorVAE score: no factor takes more than one value: {list(factor_sizes)}")
    generator = np.random.default_rng(seed)

    def draw(count: int) -> Factors:
        return generator.integers(0, sizes, (count, len(sizes)))

    def encode_checked(wanted: Factors) -> Values:
        codes = np.asarray(encode(wanted))
        _check_codes(codes, len(wanted))
        return codes

    parts = [min(1000, _CODES_FOR_VARIANCES - start) for start in range(0, _CODES_FOR_VARIANCES, 1000)]
    scale = _variances(np.concatenate([encode_checked(draw(count)) for count in parts]))

    def vote(held: Factors) -> Values:
        wanted = draw(len(held) * _CODES_A_VOTE).reshape(len(held), _CODES_A_VOTE, len(sizes))
        rows = np.arange(len(held))
        wanted[rows, :, held] = wanted[rows, :1, held]
        codes = encode_checked(wanted.reshape(-1, len(sizes)))
        return codes.reshape(len(held), _CODES_A_VOTE, -1)

    return _score_votes(vote, varying, scale, generator)


def factor_vae_score_of_codes(codes: Values, factors: Factors, *, seed: int = 0) -> float:
    """The FactorVAE score, as `factor_vae_score` has it, where no more codes can be had than `codes` (N, Z) of `factors` (N, F).

    A vote's 64 codes are drawn from all that share a value of the factor that is held still; of such values, those that
    64 codes share are drawn from. Raises DataError where a factor has no such value.
    """
    codes, factors, numbers = _check(codes, factors)
    groups = []
    for number, column in zip(numbers, factors.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        shared = values[counts >= _CODES_A_VOTE]
        if not len(shared):
            raise DataError(
                f"FactorVAE score: no {_CODES_A_VOTE} of {len(codes):,} codes share a value of factor {number}, which "
                f"takes {len(values)}; give more codes"
            )
        groups.append([np.flatnonzero(column == value) for value in shared])
    generator = np.random.default_rng(seed)

    def vote(held: Factors) -> Values:
        chosen = [groups[factor][generator.integers(len(groups[factor]))] for factor in held]
        return np.stack([codes[generator.choice(group, _CODES_A_VOTE, replace=False)] for group in chosen])

    return _score_votes(vote, np.arange(factors.shape[1]), _variances(codes), generator)


def dci(codes: Values, factors: Factors, *, seed: int = 0) -> Dci:
    """Disentanglement, completeness and informativeness of `codes` (N, Z) for `factors` (N, F), each in [0, 1].

    A random forest of 10 trees, 5 codes in a leaf at least, learns each factor, as classes, from two thirds of the codes.
    Informativeness is the share of the other third it gets right, the mean over factors. How much each dimension matters
    to it is how much impurity its splits take away: a dimension is disentangled as far as it matters to one factor alone
    (the mean, weighted by how much it matters), a factor complete as far as one dimension alone matters to it. Raises
    DataError for too few codes, or factors that never change. Eastwood and Williams, A Framework for the Quantitative Evaluation of Disentangled
    Representations, 2018.
    """
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415  a second to import, and only this needs it

    codes, factors, _ = _check(codes, factors)
    order = np.random.default_rng(seed).permutation(len(codes))
    learnt, judged = np.split(order, [round(_TRAINED_ON * len(codes))])
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    right = []
    for number, factor in enumerate(factors.T):
        forest = RandomForestClassifier(
            _TREES,
            min_samples_leaf=_FEWEST_IN_A_LEAF,
            max_features=None,  # a split that sees only some dimensions makes the second best matter
            random_state=seed % 2**32,
            n_jobs=-1,
        )
        forest.fit(codes[learnt], factor[learnt])
        importance[:, number] = forest.feature_importances_
        forest.n_jobs = 1  # threads add up the trees' answers in any order
        right.append(float(forest.score(codes[judged], factor[judged])))
    total = importance.sum()
    return Dci(
        disentanglement=float(_purity(importance) @ importance.sum(1) / total) if total else 0.0,
        completeness=float(_purity(importance.T).mean()),
        informativeness=float(np.mean(right)),
    )


def sap_score(codes: Values, factors: Factors, *, categorical: Collection[int] = ()) -> float:
    """SAP: by how much the best dimension for a factor predicts it better than the second best, in [0, 1], over factors.

    How well a dimension of `codes` (N, Z) predicts a factor of `factors` (N, F) is the R^2 of a line, or for a factor
    whose number is in `categorical`, as its values have no order (of the sprites, 0: the shape), the balanced accuracy of logistic regression; as one of
    K classes is guessed with 1 / K, such a factor adds at most 1 - 1 / K. Raises DataError for too few codes, or
    factors that never change. Kumar et al., Variational Inference of Disentangled Latent Concepts from Unlabeled
    Observations, 2018.
    """
    codes, factors, numbers = _check(codes, factors)
    standard = _standardize(codes)
    predicted = np.square(standard.T @ _standardize(factors) / len(standard))  # (Z, F)
    for column, number in enumerate(numbers):
        if number in categorical:
            predicted[:, column] = [_balanced_accuracy(code, factors[:, column]) for code in standard.T]
    return _mean_gap(predicted)


def _check(codes: Values, factors: Factors) -> tuple[NDArray[np.float64], Factors, list[int]]:
    """The codes, the factors that change, and the numbers of these; raises DataError for what cannot be scored."""
    codes, factors = np.asarray(codes), np.asarray(factors)
    if factors.ndim != 2 or factors.dtype.kind not in "iu" or not factors.shape[1]:
        raise DataError(
            f"disentanglement: expected factors (N, F), whole numbers, one at least for each of the N images; got "
            f"{factors.dtype} {factors.shape}: only images whose factors are known, such as the sprites, can be scored"
        )
    _check_codes(codes, len(factors))
    if len(codes) < FEWEST_CODES:
        raise DataError(f"disentanglement: {len(codes)} codes are too few to be scored; give {FEWEST_CODES} at least")
    numbers = np.flatnonzero(np.ptp(factors, 0) > 0)
    if not len(numbers):
        raise DataError(f"disentanglement: none of the {factors.shape[1]} factors changes in {len(factors):,} images")
    return codes.astype(np.float64), factors[:, numbers].astype(np.int64), numbers.tolist()


def _check_codes(codes: Values, count: int) -> None:
    if codes.ndim != 2 or len(codes) != count or not codes.shape[1] or codes.dtype.kind != "f":
        raise DataError(
            f"disentanglement: expected codes ({count}, Z), real numbers, one row for each image; got "
            f"{codes.dtype} {codes.shape}"
        )
    if not np.isfinite(codes).all():
        raise DataError("disentanglement: codes are not finite: the model has diverged; take an earlier checkpoint")


def _cut(code: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The bin (N,) that each value of a dimension falls into."""
    low, width = code.min(), np.ptp(code)
    if not width:
        return np.zeros(len(code), np.int64)
    binned: NDArray[np.int64] = np.minimum((code - low) / width * bins, bins - 1).astype(np.int64)
    return binned


def _mutual_information(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """How many nats two columns (N,) of whole numbers know of each other; a column knows its entropy of itself."""
    rows, columns = (np.unique(column, return_inverse=True)[1] for column in (first, second))
    width = columns.max() + 1
    together = np.bincount(rows * width + columns, minlength=(rows.max() + 1) * width).reshape(-1, width) / len(rows)
    apart = together.sum(1, keepdims=True) * together.sum(0)
    there = together > 0
    return float((together[there] * np.log(together[there] / apart[there])).sum())


def _mean_gap(scores: NDArray[np.float64]) -> float:
    """By how much the best dimension is ahead of the second best: of scores (Z, F), the mean over factors."""
    best = np.sort(np.vstack([np.zeros(scores.shape[1]), scores]), 0)
    return float((best[-1] - best[-2]).mean())


def _purity(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each row (n, m) has all of its weight in one place, in [0, 1]: 1 less its entropy to base m; 0 without any."""
    total = weights.sum(1, keepdims=True)
    shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    entropies = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(1)
    purity: NDArray[np.float64] = np.where(total[:, 0] > 0, 1 - entropies / math.log(max(2, weights.shape[1])), 0.0)
    return purity


def _standardize(columns: NDArray[Any]) -> NDArray[np.float64]:
    """Columns (N, K) with mean 0 and variance 1; 0 where one never changes."""
    centred = columns - columns.mean(0)
    spread = columns.std(0)
    standard: NDArray[np.float64] = np.divide(centred, spread, out=np.zeros(columns.shape), where=spread > 0)
    return standard


def _balanced_accuracy(code: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    """The mean over classes of the share that logistic regression on one dimension (N,) gets right, each weighing alike."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  a second to import, and only this needs it

    guessed = LogisticRegression(class_weight="balanced").fit(code[:, None], classes).predict(code[:, None])
    return float(np.mean([(guessed[classes == value] == value).mean() for value in np.unique(classes)]))


def _variances(codes: Values) -> NDArray[np.float64]:
    """Of each dimension, of codes (.., N, Z) over the N."""
    variances: NDArray[np.float64] = np.asarray(codes, np.float64).var(-2, ddof=1)
    return variances


def _score_votes(
    vote: Callable[[Factors], Values],
    numbers: NDArray[np.int64],
    scale: NDArray[np.float64],
    generator: np.random.Generator,
) -> float:
    """The share of votes that tell which factor was held still.

    `vote` gives codes (B, 64, Z) in which the factors (B,), of `numbers`, were held still; `scale` (Z,) are the variances
    of codes in which none was.
    """
    speaking = np.flatnonzero((scale > 0) & (scale >= _LEAST_VARIANCE * scale.max()))
    if not len(speaking):
        return 0.0

    def hold() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which factor was held still, and which dimension changed least, of each vote (800,)."""
        held = generator.choice(numbers, _VOTES)
        parts = [vote(held[start : start + _VOTES_AT_ONCE]) for start in range(0, _VOTES, _VOTES_AT_ONCE)]
        left = np.concatenate([_variances(part[..., speaking]) for part in parts]) / scale[speaking]
        return held, left.argmin(1)

    held, least = hold()
    votes = np.zeros((len(speaking), numbers.max() + 1), np.int64)
    np.add.at(votes, (least, held), 1)
    held, least = hold()
    return float((votes[least].argmax(1) == held)[votes[least].any(1)].sum() / len(held))
