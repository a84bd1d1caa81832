"""Which tables of a recipe do not go together."""

from __future__ import annotations

from collections.abc import Iterator

from vae_tui.recipe.tables import Recipe


def cross_table_errors(recipe: Recipe) -> Iterator[str]:
    """A sentence for each."""
    model, objective, prior = recipe.model, recipe.objective.name, recipe.prior.name
    diagonal = model.posterior == "diagonal" and model.network != "ladder"
    if recipe.optimizer.schedule == "cosine" and recipe.train.epochs is None:
        yield '[train] epochs: needed with [optimizer] schedule = "cosine", which ends with them'
    if recipe.data.validation == 0 and recipe.optimizer.schedule == "plateau":
        yield '[optimizer] schedule: "plateau" goes by validation images, and there are none with [data] validation = 0'
    if recipe.data.validation == 0 and recipe.train.patience is not None:
        yield "[train] patience: goes by validation images, and there are none with [data] validation = 0"
    if objective in ("tcvae", "dip") and not diagonal:
        yield f'[objective] name: "{objective}" needs a diagonal posterior, without a ladder'
    if objective == "iwae" and not diagonal and model.posterior != "full":
        yield '[objective] name: "iwae" needs the posterior\'s density anywhere: posterior = "diagonal" or "full"'
    if objective in ("factor", "mmd") and model.is_quantised:
        yield f'[objective] name: "{objective}" holds the codes to N(0, I), where a quantised posterior has none'
    elif objective in ("tcvae", "factor", "dip", "mmd") and prior != "normal":
        yield f'[objective] name: "{objective}" needs [prior] name = "normal"'
    if objective == "iwae" and recipe.likelihood.sigma == "optimal":
        yield '[likelihood] sigma: "optimal" is not for several draws an image; "learned" is'
    if prior == "vamp" and model.posterior != "diagonal":
        yield '[prior] name: "vamp" is made of diagonal posteriors: [model] posterior = "diagonal"'
    if model.is_quantised and prior != "codes":
        yield f'[prior] name: a quantised posterior ("{model.posterior}") has a prior over its codes: "codes"'
    if prior == "codes" and not model.is_quantised:
        yield '[prior] name: "codes" is the prior of a quantised posterior: [model] posterior = "fsq" or "vq"'
    if objective == "m2" and model.condition != "label":
        yield '[objective] name: "m2" is for a conditional model: [model] condition = "label"'
    if objective == "m2" and model.condition == "label" and (model.code is not None or model.label_dropout > 0):
        what = "networks of one's own" if model.code is not None else f"label_dropout = {model.label_dropout:g}"
        yield f'[objective] name: "m2" has a classifier for images without a class; it does not go with {what}'
    if recipe.data.labelled is not None and model.condition != "label":
        yield '[data] labelled: classes are looked at by a conditional model alone: [model] condition = "label"'
    if prior == "class" and model.condition != "label":
        yield '[prior] name: "class" has a Gaussian for each class, which the networks must be given: [model] condition = "label"'
    if prior == "vamp" and model.condition == "label":
        yield '[prior] name: "vamp" has pseudo-images without a class, so it goes with [model] condition = "none" alone'
    if objective in ("iwae", "factor") and recipe.train.compile is True:
        yield f'[train] compile: torch cannot compile "{objective}", whose gradients are not those of one loss alone'
