"""How far each latent dimension stands for one factor of the images, and each factor for one dimension.

Codes are (N, Z), real numbers: the means of N images' posteriors. Factors are (N, F), whole numbers: what each image was
made from. A factor that never changes says nothing and is left out; so does a dimension that never changes, which counts
as knowing nothing.

Every score follows the protocol of disentanglement_lib (Locatello et al., Challenging Common Assumptions in the
Unsupervised Learning of Disentangled Representations, 2019), whose figures most papers have.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_tui.data.progress import Progress
from vae_tui.errors import DataError
from vae_tui.sweep.places import count_cores

Values = NDArray[np.floating[Any]]
Factors = NDArray[np.int64]

FEWEST_CODES = 100
_VOTES, _VOTES_JUDGED = 10_000, 5_000
_CODES_A_VOTE = 64
_VOTES_AT_ONCE = 16
_LEAST_DEVIATION = 0.05
_LEARNED_FROM, _PREDICTED = 10_000, 5_000
MOST_CODES = _LEARNED_FROM + _PREDICTED
"""More than these are not looked at by any score but FactorVAE's."""


@dataclass(frozen=True)
class Dci:
    """Three scores in [0, 1], 1 the best: of dimensions, of factors, and of all codes together."""

    disentanglement: float
    completeness: float
    informativeness: float


@dataclass(frozen=True)
class InfoMec:
    """Three scores in [0, 1], 1 the best: each dimension knows of one factor, each factor is known to one dimension, and all
    dimensions together say it plainly."""

    modularity: float
    compactness: float
    explicitness: float


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


def factor_vae_score(codes: Values, factors: Factors, *, seed: int = 0) -> float:
    """FactorVAE score: how often the dimension that changes least tells which factor was held still, in [0, 1].

    Each vote takes 64 of the `codes` (N, Z) of `factors` (N, F) that share a value of one factor, and looks for the
    dimension whose variance, over that of all codes, is smallest; dimensions whose deviation is below 0.05 have no vote,
    as they say nothing. 10,000 votes settle which factor each dimension stands for, 5,000 more are the score; without a
    dimension that changes, it is 0. Of a factor's values, those that 64 codes share are held still. Raises DataError where
    a factor has no such value. Kim and Mnih, Disentangling by Factorising, 2018, section 4.
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


def dci(codes: Values, factors: Factors, *, seed: int = 0, progress: Progress = lambda *_: None) -> Dci:
    """Disentanglement, completeness and informativeness of `codes` (N, Z) for `factors` (N, F), each in [0, 1].

    Gradient boosting, as scikit-learn has it by default, learns each factor, as classes, from 10,000 of the codes.
    Informativeness is the share of 5,000 others it gets right, the mean over factors; of fewer codes a third is kept for
    that. How much each dimension matters to it is how much impurity its splits take away: a dimension is disentangled as
    far as it matters to one factor alone (the mean, weighted by how much it matters), a factor complete as far as one
    dimension alone matters to it. It takes minutes: one process a core, and a factor of 32 values a hundred trees for each
    of them. Raises DataError for too few codes, or factors that never change. Eastwood and Williams, A Framework for the
    Quantitative Evaluation of Disentangled Representations, 2018.
    """
    codes, factors, _ = _check(codes, factors)
    learnt, judged = _part(len(codes), seed)
    count = factors.shape[1]
    importance, right = np.zeros((codes.shape[1], count)), np.zeros(count)
    progress("learning factors for DCI, which takes minutes", 0, count)
    # Torch does not survive a fork.
    with ProcessPoolExecutor(min(count, count_cores()), mp_context=get_context("spawn")) as processes:
        # The longest first, so that no core waits for one alone.
        order = np.argsort([-len(np.unique(factor)) for factor in factors.T], kind="stable").tolist()
        tasks = {processes.submit(_boost, codes, factors[:, number], learnt, judged, seed): number for number in order}
        for done, task in enumerate(as_completed(tasks), start=1):
            importance[:, tasks[task]], right[tasks[task]] = task.result()
            progress("learning factors for DCI, which takes minutes", done, count)
    total = importance.sum()
    return Dci(
        disentanglement=float(_purity(importance) @ importance.sum(1) / total) if total else 0.0,
        completeness=float(_purity(importance.T).mean()),
        informativeness=float(right.mean()),
    )


def _boost(
    codes: Values, factor: NDArray[np.int64], learnt: NDArray[np.int64], judged: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], float]:
    """How much each dimension (Z,) matters to a factor (N,), and the share of codes it is told of."""
    from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415  a second to import, and only this needs it

    if len(np.unique(factor[learnt])) == 1:
        return np.zeros(codes.shape[1]), float((factor[judged] == factor[learnt[0]]).mean())
    model = GradientBoostingClassifier(random_state=seed % 2**32).fit(codes[learnt], factor[learnt])
    return np.asarray(model.feature_importances_, np.float64), float(model.score(codes[judged], factor[judged]))


def sap_score(codes: Values, factors: Factors, *, seed: int = 0) -> float:
    """SAP: by how much the best dimension for a factor predicts it better than the second best, in [0, 1], over factors.

    How well a dimension of `codes` (N, Z) predicts a factor of `factors` (N, F) is the share of 5,000 codes whose value a
    linear support vector classifier (C = 0.01, classes weighing alike) gets right that has learned it from 10,000 others;
    of fewer codes a third is kept for that. A line through many classes tells few of them apart, so that even a perfect
    code of a factor of 32 values scores little. Raises DataError for too few codes, or factors that never change. Kumar et
    al., Variational Inference of Disentangled Latent Concepts from Unlabeled Observations, 2018.
    """
    from sklearn.svm import LinearSVC  # noqa: PLC0415  a second to import, and only this needs it

    codes, factors, _ = _check(codes, factors)
    learnt, judged = _part(len(codes), seed)
    predicted = np.zeros((codes.shape[1], factors.shape[1]))
    for column, factor in enumerate(factors.T):
        for row, code in enumerate(codes.T):
            if len(np.unique(factor[learnt])) > 1:
                model = LinearSVC(C=0.01, class_weight="balanced", random_state=seed % 2**32)
                model.fit(code[learnt, None], factor[learnt])
                predicted[row, column] = model.score(code[judged, None], factor[judged])
    return _mean_gap(predicted)


def info_mec(codes: Values, factors: Factors, *, seed: int = 0) -> InfoMec:
    """InfoM, InfoC and InfoE of `codes` (N, Z) for `factors` (N, F), each in [0, 1].

    What a dimension knows of a factor is their mutual information by nearest neighbours, as scikit-learn estimates it of 10,000 codes, over
    the factor's entropy; dimensions whose deviation is below 0.05 are left out. InfoM is the share of what a dimension knows that is of
    the factor it knows best, the mean over dimensions, InfoC the same of a factor and its dimensions, both moved so that chance
    is 0. InfoE is how much of a factor's entropy a linear classifier of all dimensions, learned from 10,000 codes, takes away for 5,000
    others, the mean over factors. Raises DataError for too few codes, or factors that never change. Hsu et al., Disentanglement via
    Latent Quantization, 2023, section 5.
    """
    from sklearn.feature_selection import mutual_info_classif  # noqa: PLC0415  a second to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    codes, factors, _ = _check(codes, factors)
    codes = codes[:, codes.std(0) >= _LEAST_DEVIATION]
    if not codes.shape[1]:
        return InfoMec(0.0, 0.0, 0.0)
    learnt, judged = _part(len(codes), seed)
    scaled = (codes - codes.mean(0)) / codes.std(0)
    entropies = np.array([_mutual_information(factor, factor) for factor in factors[learnt].T])
    information = np.stack(
        [mutual_info_classif(scaled[learnt], factor[learnt], random_state=seed % 2**32) for factor in factors.T], 1
    )  # (Z, F), in nats
    shares = np.clip(information / np.maximum(entropies, 1e-12), 0, 1)
    explicit = []
    for factor in factors.T:
        values, counts = np.unique(factor[learnt], return_counts=True)
        known = np.isin(factor[judged], values)
        if len(values) < 2 or not known.any():
            explicit.append(0.0)
            continue
        model = LogisticRegression(max_iter=200).fit(scaled[learnt], factor[learnt])
        targets = np.searchsorted(values, factor[judged][known])
        by_codes = -model.predict_log_proba(scaled[judged][known])[np.arange(len(targets)), targets].mean()
        by_chance = -np.log(counts / counts.sum())[targets].mean()
        explicit.append(float(np.clip(1 - by_codes / by_chance, 0, 1)))
    return InfoMec(_concentration(shares), _concentration(shares.T), float(np.mean(explicit)))


def _concentration(shares: Values) -> float:
    """How much of each row (R, C) is in its largest column, the mean over rows; 0 where all are alike, 1 where the rest is 0."""
    count = shares.shape[1]
    if count == 1:
        return 1.0
    of_all = shares.max(1) / np.maximum(shares.sum(1), 1e-12)
    return float(np.clip((of_all - 1 / count) / (1 - 1 / count), 0, 1).mean())


def _part(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of so many codes are learned from, and which are predicted."""
    order = np.random.default_rng(seed).permutation(count)[: _LEARNED_FROM + _PREDICTED]
    learnt = min(_LEARNED_FROM, round(len(order) * _LEARNED_FROM / (_LEARNED_FROM + _PREDICTED)))
    return order[:learnt], order[learnt:]


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
    speaking = np.flatnonzero(np.sqrt(scale) >= _LEAST_DEVIATION)
    if not len(speaking):
        return 0.0

    def hold(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which factor was held still, and which dimension changed least, of so many votes."""
        held = generator.choice(numbers, count)
        parts = [vote(held[start : start + _VOTES_AT_ONCE]) for start in range(0, count, _VOTES_AT_ONCE)]
        left = np.concatenate([_variances(part[..., speaking]) for part in parts]) / scale[speaking]
        return held, left.argmin(1)

    held, least = hold(_VOTES)
    votes = np.zeros((len(speaking), numbers.max() + 1), np.int64)
    np.add.at(votes, (least, held), 1)
    held, least = hold(_VOTES_JUDGED)
    return float((votes[least].argmax(1) == held)[votes[least].any(1)].sum() / len(held))
