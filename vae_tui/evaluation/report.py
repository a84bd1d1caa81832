"""An evaluation as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vae_tui.evaluation.evaluate import Evaluation
from vae_tui.events import ACTIVE_NATS
from vae_tui.text import printable
from vae_tui.wording import MISSING, counted


def to_json(evaluation: Evaluation) -> str:
    """One JSON object on one line: the subject's keys and the figures side by side; what is not there is null."""
    body: dict[str, Any] = dataclasses.asdict(evaluation)
    subject = body.pop("subject")
    nested = ("information", "impression", "disentanglement", "annealed", "without_class", "codes")
    information, impression, disentanglement, annealed, without_class, codes = (body.pop(part) or {} for part in nested)
    body |= {f"codes_{name}": codes.get(name) for name in ("used", "perplexity", "count")}
    body |= {f"{name}_without_class": without_class.get(name) for name in ("elbo", "nll", "nll_standard_error")}
    body["accuracy"] = without_class.get("accuracy")
    body |= {f"ais_{name}": annealed.get(name) for name in ("nll", "nll_standard_error", "steps", "chains", "sandwich")}
    names = {"mutual_information": None, "marginal_kl": None, "bound": "mutual_information_bound"}
    body |= {given or name: information.get(name) for name, given in names.items()}
    names_seen = ("sample_sharpness", "sample_diversity", "reconstruction_sharpness", "reconstruction_mse")
    body |= {name: impression.get(name) for name in (*names_seen, "class_accuracy")}
    scores = dict.fromkeys(("mig", "factor_vae_score", "sap", "info_mec", "dci"))
    scores |= {name: value for name, value in disentanglement.items() if name in scores}
    return json.dumps({**subject, **_finite(body | scores)}, allow_nan=False)


def print_table(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print the figures with what they are of, and the notes below."""
    console = console or Console(highlight=False)
    subject = evaluation.subject
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, figure, meaning in _rows(evaluation):
        table.add_row(name, figure, meaning)
    of = "all" if subject.count == subject.split_count else f"of {subject.split_count:,}, at random"
    averaged = "" if subject.ema_width is None else f" · weights averaged over the width {subject.ema_width:g}"
    lines = [
        f"{subject.checkpoint}",
        f"{subject.network} · prior {subject.prior} · {subject.likelihood} · step {subject.step:,}{averaged}",
        f"{subject.data} {subject.split}: {subject.count:,} images ({of}) · the splits' seed {subject.split_seed}",
        f"binarisation: {subject.binarization} · {subject.samples:,} draws of z an image · seed {subject.seed}",
        "means over the images, ± their standard error",
        "",
    ]
    for line in lines:
        console.print(Text(printable(line), style="dim" if line else ""), soft_wrap=False)
    console.print(table)
    for note in evaluation.notes:
        console.print()
        console.print(Text(printable(note), style="dim"))


def _rows(evaluation: Evaluation) -> Iterator[tuple[str, str, str]]:
    """Name, figure and meaning of each line of the table."""
    for tried in evaluation.tried_widths:
        negative_elbo = tried.validation_negative_elbo
        figure = MISSING if negative_elbo is None else f"{negative_elbo:.2f}"
        yield f"width {tried.width:g}", figure, f"validation -ELBO; its profile is off by {tried.misfit:.1%}"
    if evaluation.tried_widths:
        yield "", "", ""
    yield "-ELBO", f"{-evaluation.elbo:.2f}", "nats per image: distortion + rate"
    yield "  distortion", f"{evaluation.distortion:.2f}", "-log p(x|z)"
    yield "  rate", f"{evaluation.rate:.2f}", "KL(q(z|x) || p(z))"
    yield (
        "NLL",
        _with_error(evaluation.nll, evaluation.nll_standard_error),
        "-log p(x) at most, importance-sampled",
    )
    if (codes := evaluation.codes) is None:
        yield "  effective draws", f"{evaluation.effective_draws:.1f}", f"of {evaluation.subject.samples:,} (median)"
    else:
        yield "codes used", f"{codes.used:,} of {codes.count:,}", "by these images"
        yield "", f"{codes.perplexity:.1f}", "perplexity: as many, were all as frequent"
    if (blind := evaluation.without_class) is not None:
        yield "without the class", f"{-blind.elbo:.2f}", "-ELBO"
        yield "", _with_error(blind.nll, blind.nll_standard_error), "NLL"
        if blind.accuracy is not None:
            yield "classified right", f"{blind.accuracy:.4f}", "by its classifier, of these images"
    if (annealed := evaluation.annealed) is not None:
        yield (
            "NLL by AIS",
            _with_error(annealed.nll, annealed.nll_standard_error),
            f"-log p(x) at most, {counted(annealed.steps, 'annealing step')}",
        )
        below, above = annealed.sandwich
        too_high = f"<= {max(0.0, above - below):.2f}"
        yield "  too high by", too_high, f"on {annealed.sandwich_count} samples of the model"
    if evaluation.bits_per_dimension is not None:
        yield "bits per dimension", f"{evaluation.bits_per_dimension:.4f}", "NLL per value of an image"
    size = len(evaluation.rate_per_dimension)
    yield "active units", f"{evaluation.active_units} of {size}", "whose means vary by more than 0.01"
    if (information := evaluation.information) is not None:
        seen_at_most = f"ln {evaluation.subject.count:,} = {information.bound:.2f} can be seen at most"
        if information.mutual_information is None or information.marginal_kl is None:
            yield "mutual information", MISSING, f"{seen_at_most}: --count"
        else:
            yield "mutual information", f">= {information.mutual_information:.2f}", f"I(x; z); {seen_at_most}"
            yield "marginal KL", f"<= {information.marginal_kl:.2f}", "KL(q(z) || p(z)), the rest of the rate"
    if (seen := evaluation.impression) is not None:
        yield "samples", f"{seen.sample_diversity:.2f}", "diversity, as a share of the images' own"
        yield "", f"{seen.sample_sharpness:.2f}", "sharpness, likewise"
        yield "reconstructions", f"{seen.reconstruction_sharpness:.2f}", "sharpness, likewise"
        yield "", f"{seen.reconstruction_mse:.5f}", "squared error per value, of images in [0, 1]"
        if seen.class_accuracy is not None:
            yield "classes apart", f"{seen.class_accuracy:.3f}", "codes whose 5 neighbours are mostly of their class"
    if evaluation.frechet_distance is not None:
        yield "Frechet distance", f"{evaluation.frechet_distance:.2f}", "of samples, in features trained here"
        yield "  of training images", f"{evaluation.frechet_distance_of_data:.2f}", "to know what is little"
    if (found := evaluation.disentanglement) is not None:
        yield "MIG", f"{found.mig:.3f}", f"of {found.count:,} codes, in 20 bins"
        if found.factor_vae_score is not None:
            yield "FactorVAE score", f"{found.factor_vae_score:.3f}", "5,000 votes after 10,000, deviation >= 0.05"
        yield "SAP", f"{found.sap:.3f}", "linear SVC, C = 0.01: the best two's gap"
        yield "InfoMEC", f"{found.info_mec.modularity:.3f}", "modularity: each dimension knows of one factor"
        yield "", f"{found.info_mec.explicitness:.3f}", "explicitness, to a linear classifier"
        yield "", f"{found.info_mec.compactness:.3f}", "compactness: each factor is known to one dimension"
        if found.dci is not None:
            yield "DCI", f"{found.dci.disentanglement:.3f}", "disentanglement, by gradient boosting"
            yield "", f"{found.dci.completeness:.3f}", "completeness"
            yield "", f"{found.dci.informativeness:.3f}", "informativeness, accuracy"
    ranked = sorted(enumerate(evaluation.rate_per_dimension), key=lambda pair: -pair[1])
    carrying = [f"{index}:{rate:.2f}" for index, rate in ranked if rate > ACTIVE_NATS]
    shown = "  ".join(carrying[:20]) + (f"  and {len(carrying) - 20} more" if len(carrying) > 20 else "")
    yield "rate per dimension", f"{len(carrying)} of {size}", shown or "none carries anything"


def _with_error(mean: float, error: float) -> str:
    return f"{mean:.2f}" + ("" if math.isnan(error) else f" ± {error:.2f}")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value
