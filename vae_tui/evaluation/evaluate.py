"""A checkpoint's figures, with all that must be known to compare them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vae_tui.data import ImageSets, PackedImages, Progress, as_floats
from vae_tui.device import choose_device
from vae_tui.errors import DataError, VaeTuiError
from vae_tui.evaluation.annealing import anneal, anneal_back
from vae_tui.evaluation.averages import recorded_width
from vae_tui.evaluation.disentanglement import (
    MOST_CODES,
    Dci,
    InfoMec,
    dci,
    factor_vae_score,
    info_mec,
    mutual_information_gap,
    sap_score,
)
from vae_tui.evaluation.elbo import evaluate_elbo
from vae_tui.evaluation.frechet import features_of, frechet_distance, train_features
from vae_tui.evaluation.importance import Costs, estimate_costs
from vae_tui.evaluation.information import Information, count_active_units, estimate_information
from vae_tui.evaluation.pictures import diversity, neighbor_accuracy, sharpness
from vae_tui.evaluation.widths import ChosenWidth, TriedWidth
from vae_tui.latent.codes import encode_images
from vae_tui.latent.sample import classes_in_turn
from vae_tui.latent.sources import load_sets_of, split_as_trained_on
from vae_tui.model import VAE
from vae_tui.model.checkpoint import load_checkpoint
from vae_tui.model.conditional import NO_LABEL
from vae_tui.model.likelihoods import is_density
from vae_tui.model.posteriors import DiagonalGaussian
from vae_tui.model.quantised import perplexity
from vae_tui.recipe import DataTable, LikelihoodTable
from vae_tui.runs.metadata import read_metadata

_CHAINS, _SANDWICHED = 2, 100
"""Annealed chains an image, and how many images of the model's own are annealed to and fro."""
_FEW_EFFECTIVE_DRAWS = 10
_LOOKED_AT = 1000
_DECODED_AT_ONCE = 100


@dataclass(frozen=True)
class Subject:
    """What was evaluated, on what: all that a figure means nothing without."""

    checkpoint: str
    ema_width: float | None
    step: int
    network: str
    prior: str
    likelihood: str
    data: str
    split: str
    count: int
    split_count: int
    binarization: str
    split_seed: int
    seed: int
    samples: int


@dataclass(frozen=True)
class Disentanglement:
    """How far latent dimensions stand for the known factors of a set, by `count` codes; what is not there was not asked for, or
    cannot be had of so few."""

    mig: float
    factor_vae_score: float | None
    dci: Dci | None
    sap: float
    info_mec: InfoMec
    count: int


@dataclass(frozen=True)
class SampleQuality:
    """What eyes judge: sharpness and diversity of samples from the prior, and sharpness of reconstructions from posterior
    means, as shares of the images' own; their squared error, a mean over values in [0, 1]; and the share of codes among
    neighbours of their class, where there are classes."""

    sample_sharpness: float
    sample_diversity: float
    reconstruction_sharpness: float
    reconstruction_mse: float
    class_accuracy: float | None


@dataclass(frozen=True)
class Annealed:
    """-log p(x) by annealed importance sampling, in nats, by `chains` chains of `steps` steps an image.

    `sandwich` is what the way back and the way there give for `sandwich_count` images that the model drew itself, whose
    true mean lies between.
    """

    steps: int
    chains: int
    nll: float
    nll_standard_error: float
    sandwich: tuple[float, float]
    sandwich_count: int


@dataclass(frozen=True)
class CodeUse:
    """Of a quantised posterior's `count` codes: how many occur, and how many there would be, were all as frequent."""

    used: int
    perplexity: float
    count: int


@dataclass(frozen=True)
class WithoutClass:
    """What a conditional VAE has for images whose class it is not given, in nats."""

    elbo: float
    nll: float
    nll_standard_error: float
    accuracy: float | None
    """Of its classifier, where it has one: the share of images whose class it gets right."""


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint's figures: nats per image where no other unit is given.

    `nll` is the importance-sampled -log p(x), `nll_standard_error` of its mean over the images, and `effective_draws` the
    median over them; `annealed` is the same by annealed importance sampling, where asked for. `bits_per_dimension` is the
    better of both per value of an image, where p(x|z) is a probability of the values it has. A conditional VAE's are given each
    image's class, and `without_class` not. `tried_widths` are those that its weights were averaged over, where they were. What a
    checkpoint or its images have not is None, and `notes` say why.
    """

    subject: Subject
    elbo: float
    distortion: float
    rate: float
    nll: float
    nll_standard_error: float
    effective_draws: float
    without_class: WithoutClass | None
    annealed: Annealed | None
    bits_per_dimension: float | None
    codes: CodeUse | None
    active_units: int
    rate_per_dimension: tuple[float, ...]
    information: Information | None
    impression: SampleQuality | None
    frechet_distance: float | None
    frechet_distance_of_data: float | None
    disentanglement: Disentanglement | None
    tried_widths: tuple[TriedWidth, ...]
    notes: tuple[str, ...]


def evaluate(
    checkpoint: Path,
    *,
    data_root: Path | None,
    split: str,
    count: int,
    samples: int,
    seed: int,
    frechet: bool,
    device: str,
    progress: Progress,
    annealing_steps: int | None = None,
    with_dci: bool = False,
    averaged: ChosenWidth | None = None,
) -> Evaluation:
    """Evaluate a checkpoint on `count` images of a split, chosen by the seed, or on all where there are fewer.

    Of a checkpoint that holds averages, those that they make are evaluated, `averaged` over the width that was chosen.

    `samples` draws of z are made for each; `frechet` asks for that distance, `annealing_steps` for the likelihood by
    annealed importance sampling, `with_dci` for that score too, where factors are known. Raises VaeTuiError where the checkpoint, its
    images or the device are not there.
    """
    metadata = read_metadata(checkpoint)
    vae = averaged.averaged.vae if averaged is not None else load_checkpoint(checkpoint)
    vae.to(choose_device(device))
    if vae.recipe.model.is_quantised and annealing_steps is not None:
        raise VaeTuiError("--ais goes from noise to noise, and a quantised posterior has none: leave it out")
    if annealing_steps is not None and not hasattr(vae.likelihood, "draw"):
        raise VaeTuiError(
            f"--ais draws images, and {vae.recipe.likelihood.name} has no method draw: leave it out, or write one"
        )
    torch.set_flush_denormal(True)
    sets = averaged.sets if averaged is not None else load_sets_of(metadata, data_root, progress, checkpoint)
    recipe = vae.recipe
    images = split_as_trained_on(sets, split, recipe, progress)
    generator = torch.Generator().manual_seed(seed)
    wanted = min(count, len(images))
    chosen = torch.randperm(len(images), generator=generator)[:wanted].sort().values
    pixels = images.pixels[chosen]
    known = images.labels[chosen] if vae.class_count and images.labels is not None else None
    labels = _guess(vae, as_floats(pixels)) if known is None and vae.classifier is not None else known
    costs = estimate_costs(vae, as_floats(pixels), labels, samples=samples, seed=seed, progress=progress)

    notes = [*sets.notes]
    without_class = None
    if known is not None:
        notes.append("every figure is given the image's class, such as -log p(x|y), unless stated otherwise")
        if vae.knows_no_label or vae.classifier is not None:
            without_class = _without_class(vae, as_floats(pixels), known, samples, seed, progress)
    elif vae.class_count:
        given = "no class" if vae.label == NO_LABEL else f"class {metadata['class_names'][vae.label]} for each"
        given = given if vae.classifier is None else "what its classifier has them for"
        notes.append(f"the classes of these images are not known: the model was given {given}")
    nll, effective = float(costs.nll.mean()), float(costs.effective_draws.median())
    annealed = None
    if recipe.model.is_quantised:
        notes.append("a quantised posterior has one code an image, so that NLL is -ELBO: -log p(x) may be far below it")
    elif annealing_steps is not None:
        annealed = _anneal(vae, as_floats(pixels), labels, annealing_steps, seed, progress)
    elif effective < _FEW_EFFECTIVE_DRAWS:
        notes.append(
            f"of {samples:,} draws of z no more than {effective:.1f} count, for half of the images: the NLL is an upper bound, and the "
            "true one may be far below it; more --samples bring it down slowly, --ais 500 anneals"
        )
    bits = (annealed.nll if annealed is not None else nll) / (pixels[0].numel() * math.log(2))
    problem = _why_no_bits(recipe.likelihood, recipe.data, pixels)
    if problem:
        notes.append(problem)
    distances: tuple[float | None, float | None] = (None, None)
    if frechet:
        if sets.train.labels is None:
            notes.append("no Frechet distance: these images have no classes for a classifier to learn")
        else:
            distances = _frechet(vae, sets, images, recipe.data, seed, progress)
            notes.append(
                "the Frechet distance is in the features of a classifier trained here on these classes: compare it only "
                "with others of the same set and seed, never with an Inception FID"
            )
    rates = costs.rate_per_dimension.mean(0)
    distortion = float(costs.distortion.mean())
    return Evaluation(
        subject=Subject(
            checkpoint=str(checkpoint),
            ema_width=averaged.averaged.width if averaged is not None else recorded_width(metadata),
            step=int(metadata.get("step", 0)),
            network=vae.network_name,
            prior=recipe.prior.name,
            likelihood=recipe.likelihood.name,
            data=recipe.data.root or recipe.data.name,
            split=split,
            count=wanted,
            split_count=len(images),
            binarization=_binarization(recipe.data),
            split_seed=recipe.train.seed,
            seed=seed,
            samples=samples,
        ),
        elbo=-(distortion + float(rates.sum())),
        distortion=distortion,
        rate=float(rates.sum()),
        nll=nll,
        nll_standard_error=_standard_error(costs.nll),
        effective_draws=effective,
        without_class=without_class,
        annealed=annealed,
        bits_per_dimension=None if problem else bits,
        codes=_code_use(vae, costs.latent),
        active_units=count_active_units(costs.mean),
        rate_per_dimension=tuple(rates[: vae.latent_dim].tolist()),
        information=_information(vae, costs, float(rates.sum()), notes),
        impression=_judge(vae, pixels, costs.mean, None if images.labels is None else images.labels[chosen], seed),
        frechet_distance=distances[0],
        frechet_distance_of_data=distances[1],
        disentanglement=_disentanglement(vae, images, seed, notes, progress, with_dci=with_dci),
        tried_widths=averaged.tried if averaged is not None else (),
        notes=tuple(notes),
    )


def _why_no_bits(likelihood: LikelihoodTable, data: DataTable, pixels: Tensor) -> str | None:
    if is_density(likelihood):
        return (
            f"{likelihood.name} is a density over [0, 1]: its nats can be below 0, and stand beside those of other "
            "densities only; discretized-logistic gives bits per dimension"
        )
    if likelihood.name == "bernoulli" and data.binarize == "none" and bool(((pixels > 0) & (pixels < 255)).any()):
        return (
            "Bernoulli on grey pixels is a cross-entropy, not a likelihood: elbo and nll are in nats, but stand beside "
            "their like only"
        )
    return None


def _standard_error(values: Tensor) -> float:
    """Of the mean of values (N,); not a number for one alone."""
    return float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan


def _code_use(vae: VAE, latent: Tensor) -> CodeUse | None:
    if not vae.recipe.model.is_quantised:
        return None
    quantiser, device = vae.posterior, next(vae.parameters()).device
    counts = torch.bincount(quantiser.codes(latent.to(device)).flatten().cpu(), minlength=quantiser.code_count)
    return CodeUse(int((counts > 0).sum()), perplexity(counts), quantiser.code_count)


def _without_class(
    vae: VAE, images: Tensor, true_labels: Tensor, samples: int, seed: int, progress: Progress
) -> WithoutClass:
    if vae.classifier is not None:
        return _over_classes(vae, images, true_labels, samples, seed, progress)
    labels = torch.full((len(images),), NO_LABEL)
    costs = estimate_costs(vae, images, labels, samples=samples, seed=seed, progress=progress)
    elbo = -float(costs.distortion.mean() + costs.rate_per_dimension.sum(1).mean())
    return WithoutClass(elbo, float(costs.nll.mean()), _standard_error(costs.nll), None)


@torch.no_grad()
def _over_classes(
    vae: VAE, images: Tensor, true_labels: Tensor, samples: int, seed: int, progress: Progress
) -> WithoutClass:
    """By the classifier: -ELBO over all classes as it weighs them, and p(x) as the mean of p(x|y) over them."""
    assert vae.classifier is not None, "the caller has looked"
    pixels = (images * 255).round().to(torch.uint8)
    elbo = evaluate_elbo(vae, pixels, seed=seed).elbo
    by_class = [
        estimate_costs(
            vae, images, torch.full((len(images),), label), samples=samples, seed=seed, progress=progress
        ).nll
        for label in range(vae.class_count)
    ]
    nll = math.log(vae.class_count) - torch.logsumexp(-torch.stack(by_class), 0)
    accuracy = float((_guess(vae, images) == true_labels).float().mean())
    return WithoutClass(elbo, float(nll.mean()), _standard_error(nll), accuracy)


@torch.no_grad()
def _guess(vae: VAE, images: Tensor) -> Tensor:
    """The labels (N,) that a VAE's classifier has images (N, C, H, W) for."""
    device = next(vae.parameters()).device
    return torch.cat([vae.guess(part.to(device)).cpu() for part in torch.split(images, _DECODED_AT_ONCE)])


def _anneal(vae: VAE, images: Tensor, labels: Tensor | None, steps: int, seed: int, progress: Progress) -> Annealed:
    nll = anneal(vae, images, labels, steps=steps, chains=_CHAINS, seed=seed, progress=progress)
    device = next(vae.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    with torch.no_grad():
        given = classes_in_turn(vae, _SANDWICHED)
        prior = vae.prior_given(given, _SANDWICHED)
        latent = prior.draw(_SANDWICHED, torch.Generator().manual_seed(seed)).to(device)
        drawn = vae.likelihood.draw(vae.likelihood_parameters(latent, given), generator)
    below = anneal_back(vae, latent, drawn, given, steps=steps, chains=_CHAINS, seed=seed, progress=progress)
    above = anneal(vae, drawn, given, steps=steps, chains=_CHAINS, seed=seed, progress=progress)
    sandwich = float(below.mean()), float(above.mean())
    return Annealed(steps, _CHAINS, float(nll.mean()), _standard_error(nll), sandwich, _SANDWICHED)


def _binarization(data: DataTable) -> str:
    if data.name == "binarized-mnist":
        return "as the set is"
    if data.binarize == "none":
        return "none"
    return f"drawn once ({data.binarize} in training)"


def _information(vae: VAE, costs: Costs, rate: float, notes: list[str]) -> Information | None:
    if not isinstance(vae.posterior, DiagonalGaussian):
        notes.append("mutual information is estimated for diagonal posteriors only")
        return None
    return estimate_information(costs.latent, costs.log_density, costs.mean, costs.log_variance, rate)


@torch.no_grad()
def _judge(vae: VAE, pixels: Tensor, mean: Tensor, labels: Tensor | None, seed: int) -> SampleQuality | None:
    """Of as many samples as there are images, a thousand at most."""
    if len(pixels) < 2:
        return None
    images = as_floats(pixels[:_LOOKED_AT])
    given = labels[:_LOOKED_AT] if vae.class_count and labels is not None else None
    latent = vae.prior_given(given, len(images)).draw(len(images), torch.Generator().manual_seed(seed))
    samples, reconstructions = (_decode(vae, points, given) for points in (latent, mean[:_LOOKED_AT]))
    own = max(sharpness(images), 1e-9)
    return SampleQuality(
        sample_sharpness=sharpness(samples) / own,
        sample_diversity=diversity(samples) / max(diversity(images), 1e-9),
        reconstruction_sharpness=sharpness(reconstructions) / own,
        reconstruction_mse=float((reconstructions - images).square().mean()),
        class_accuracy=None if labels is None else neighbor_accuracy(mean[:_LOOKED_AT], labels[:_LOOKED_AT]),
    )


def _decode(vae: VAE, points: Tensor, labels: Tensor | None) -> Tensor:
    """Expected images (N, C, H, W) on the CPU at points (N, Z), given labels (N,) or not."""
    device = next(vae.parameters()).device
    parts = [slice(start, start + _DECODED_AT_ONCE) for start in range(0, len(points), _DECODED_AT_ONCE)]
    return torch.cat(
        [vae.decode(points[part].to(device), None if labels is None else labels[part]).cpu() for part in parts]
    )


def _frechet(
    vae: VAE, sets: ImageSets, images: PackedImages, data: DataTable, seed: int, progress: Progress
) -> tuple[float, float]:
    """Of samples from the split's images, and, to know what is little, of the training images from them."""
    network = train_features(sets.train, seed=seed, progress=progress)
    generator = torch.Generator().manual_seed(seed)
    count = min(len(images), 10_000)
    given = None if images.labels is None or not vae.class_count else images.labels[:count]
    latent = vae.prior_given(given, count).draw(count, generator)

    @torch.no_grad()
    def sampled(part: slice) -> Tensor:
        progress("drawing samples", part.stop, count)
        means = _decode(vae, latent[part], None if given is None else given[part])
        # Images drawn black or white are compared with samples drawn alike.
        return means if data.binarize == "none" else torch.bernoulli(means, generator=generator)

    some = sets.train.pixels[torch.randperm(len(sets.train), generator=generator)[:count]]
    if data.binarize == "dynamic":
        some = torch.bernoulli(as_floats(some), generator=generator).mul(255).to(torch.uint8)
    real = features_of(network, count, lambda part: as_floats(images.pixels[part]))
    others = features_of(network, len(some), lambda part: as_floats(some[part]))
    return frechet_distance(features_of(network, count, sampled), real), frechet_distance(others, real)


def _disentanglement(
    vae: VAE, images: PackedImages, seed: int, notes: list[str], progress: Progress, *, with_dci: bool
) -> Disentanglement | None:
    if images.factors is None:
        if with_dci:
            notes.append("no DCI: it takes the factors that images were made from, which are not known of these")
        return None
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:MOST_CODES].sort().values
    labels = None if images.labels is None else images.labels[chosen]
    codes, _ = encode_images(vae, images.pixels[chosen], labels, progress=progress)
    factors = images.factors[chosen].numpy()
    progress("scoring disentanglement", 0, None)
    try:
        by_votes = factor_vae_score(codes, factors, seed=seed)
    except DataError as error:
        notes.append(f"no FactorVAE score: {error}")
        by_votes = None
    try:
        return Disentanglement(
            mig=mutual_information_gap(codes, factors),
            factor_vae_score=by_votes,
            dci=dci(codes, factors, seed=seed, progress=progress) if with_dci else None,
            sap=sap_score(codes, factors, seed=seed),
            info_mec=info_mec(codes, factors, seed=seed),
            count=len(codes),
        )
    except DataError as error:
        notes.append(f"no scores of disentanglement: {error}")
        return None
