"""Networks and likelihoods of the user's own, out of the code that a recipe brings along.

The file has two classes. `Encoder(image_shape, outputs)` gives `outputs` numbers an image, (B, C, H, W) -> (B, outputs): for a
diagonal posterior the mean, then the log-variance, of each latent. `Decoder(latent_dim, image_shape, outputs)` gives `outputs`
numbers for each value of an image, (B, Z) -> (B, outputs C, H, W): for a Bernoulli the logit. Both are torch.nn.Modules. With
`condition = "label"` both are made with one argument more, `classes`, and called with one more, the one-hot codes (B, classes)
of classes, whose last column stands for none.

A likelihood is a torch.nn.Module that is made without arguments: `outputs`, how many numbers it needs for each value of an image,
`distortion(output, images)`, -log p(x|z) in nats (B,) of the decoder's (B, outputs C, H, W), and `mean(output)`, images in [0, 1].
"""

from __future__ import annotations

import hashlib
import linecache
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from vae_tui.errors import RecipeError
from vae_tui.recipe import LikelihoodTable, ModelTable

ImageShape = tuple[int, int, int]
_BATCH = 2
OWN_MODULE = "vae_tui_own_"
"""How the names of modules begin that hold the user's own code."""


def build_own(
    model: ModelTable, image_shape: ImageShape, outputs: int, posterior_size: int, *, code_width: int = 0
) -> tuple[nn.Module, nn.Module]:
    """The encoder and the decoder that a recipe's code makes; raises RecipeError, with the line, where it cannot."""
    more = (code_width,) if code_width else ()
    file, _, classes = model.network.partition(":")
    encoder_name, _, decoder_name = classes.partition(",")
    module = _run(file, model.code or "")
    encoder = _make(file, module, encoder_name, image_shape, posterior_size, *more)
    decoder = _make(file, module, decoder_name, model.latent_dim, image_shape, outputs, *more)
    return encoder, decoder


def own_names(file: str, code: str) -> dict[str, Any]:
    """What a recipe's code, of that file, defines and imports, by name."""
    return vars(_run(file, code))


def check_own(
    model: ModelTable,
    encoder: nn.Module,
    decoder: nn.Module,
    image_shape: ImageShape,
    posterior_size: int,
    outputs: int,
    *,
    code_width: int = 0,
) -> None:
    """Raise RecipeError where what a batch of images, or of latents, comes to is not what is wanted: shape, type, values, gradient."""
    file, _, classes = model.network.partition(":")
    encoder_name, _, decoder_name = classes.partition(",")
    channels, height, width = image_shape
    numbers = f"{posterior_size} numbers for the {model.posterior} posterior of {model.latent_dim} latents"
    more = (torch.eye(code_width)[:_BATCH],) if code_width else ()
    images = torch.full((_BATCH, *image_shape), 0.5)
    _check(file, encoder_name, encoder, (images, *more), (_BATCH, posterior_size), numbers)
    latent, shape = torch.zeros(_BATCH, model.latent_dim), (_BATCH, outputs * channels, height, width)
    _check(file, decoder_name, decoder, (latent, *more), shape, f"{outputs} for each value of an image")


def build_own_likelihood(table: LikelihoodTable) -> nn.Module:
    """The likelihood that a recipe's code makes; raises RecipeError, with the line, where it cannot."""
    file, _, name = table.name.partition(":")
    likelihood = _make(file, _run(file, table.code or ""), name)
    outputs = getattr(likelihood, "outputs", None)
    if type(outputs) is not int or outputs < 1:
        raise RecipeError(
            file, [f"{name}.outputs is {outputs!r}; expected how many numbers it needs for each value of an image"]
        )
    return likelihood


def check_own_likelihood(table: LikelihoodTable, likelihood: Any) -> None:
    """Raise RecipeError where what a likelihood makes of a batch is not what is wanted: shape, values, gradient."""
    file, _, name = table.name.partition(":")
    for attribute in ("distortion", "mean"):
        if not callable(getattr(likelihood, attribute, None)):
            raise RecipeError(file, [f"{name} has no method {attribute}"])
    output = torch.zeros(_BATCH, likelihood.outputs, 4, 4, requires_grad=True)
    images = torch.full((_BATCH, 1, 4, 4), 0.5)
    before = {key: value.clone() for key, value in likelihood.state_dict().items()}
    found: dict[str, Any] = {
        "distortion": calling(file, lambda: likelihood.distortion(output, images), f"{name}.distortion"),
        "mean": calling(file, lambda: likelihood.mean(output), f"{name}.mean"),
    }
    likelihood.load_state_dict(before)
    for attribute, wanted in (("distortion", (_BATCH,)), ("mean", tuple(images.shape))):
        value = found[attribute]
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        if shape != wanted:
            batch = f"{tuple(output.shape)}"
            raise RecipeError(file, [f"{name}.{attribute} makes {shape} of a batch {batch}; expected {wanted}"])
        if not torch.isfinite(value).all():
            raise RecipeError(file, [f"{name}.{attribute} makes values that are not finite of a batch of zeros"])
    if not found["distortion"].requires_grad:
        raise RecipeError(file, [f"{name}.distortion has no gradient: is something detached?"])
    if not bool(((found["mean"] >= 0) & (found["mean"] <= 1)).all()):
        raise RecipeError(file, [f"{name}.mean makes values outside [0, 1] of a batch of zeros; images are in [0, 1]"])


def find_own_class(named: str, code: str, kind: Any) -> Any:
    """The class "FILE.py:CLASS" in a recipe's code; raises RecipeError where it is none of that kind."""
    file, _, name = named.partition(":")
    found = getattr(_run(file, code), name, None)
    if not isinstance(found, type) or not issubclass(found, kind):
        raise RecipeError(file, [f"has no class {name} that is a {kind.__module__.rpartition('.')[0]}.{kind.__name__}"])
    return found


def _run(file: str, code: str) -> ModuleType:
    name = f"{OWN_MODULE}{hashlib.sha256(code.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    # Tracebacks, and torch's compiler, look for the lines of a module by its file.
    module.__file__ = shown = f"<{file}>"
    linecache.cache[shown] = (len(code), None, code.splitlines(keepends=True), shown)
    sys.modules[name] = module
    try:
        calling(file, lambda: exec(compile(code, shown, "exec"), module.__dict__))
    except RecipeError:
        del sys.modules[name]
        raise
    return module


def _make(file: str, module: ModuleType, name: str, *arguments: Any) -> nn.Module:
    kind = getattr(module, name, None)
    if not isinstance(kind, type) or not issubclass(kind, nn.Module):
        there = [key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, nn.Module)]
        listed = ", ".join(there) or "none"
        raise RecipeError(file, [f"has no class {name} that is a torch.nn.Module (it has {listed})"])
    made: nn.Module = calling(file, lambda: kind(*arguments), f"{name}{_shown(arguments)}")
    if calling(
        file,
        lambda: any(map(nn.parameter.is_lazy, made.parameters())),
        f"{name}, whose __init__ must call super().__init__()",
    ):
        raise RecipeError(
            file, [f"{name} has lazy layers, whose weights no checkpoint could be loaded into: give their sizes"]
        )
    return made


def _check(
    file: str, name: str, network: nn.Module, given: tuple[Tensor, ...], wanted: tuple[int, ...], numbers: str
) -> None:
    batch = f"a batch {' and '.join(str(tuple(one.shape)) for one in given)}"
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for mode in (False, True):
        network.train(mode)
        found = calling(file, lambda: network(*given), f"{name} of {batch}" + (" in training" if mode else ""))
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        if shape != wanted:
            raise RecipeError(file, [f"{name} makes {shape} of {batch}; expected {wanted}: {numbers}"])
        if found.dtype != given[0].dtype:
            raise RecipeError(file, [f"{name} makes {found.dtype}; expected {given[0].dtype}"])
        if not torch.isfinite(found).all():
            raise RecipeError(file, [f"{name} makes values that are not finite of {batch}"])
        if not found.requires_grad:
            raise RecipeError(file, [f"{name} has no weights that a gradient reaches: is something detached?"])
    network.load_state_dict(before)  # running means have seen nothing yet


def calling(file: str, call: Callable[[], Any], what: str = "") -> Any:
    """What the user's code returns; raises RecipeError with the line where it fails."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == f"<{file}>"]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = f"line {line}: " if line is not None else ""
        message = f"{where}{type(error).__name__}: {error}" + (f" (in {what})" if what else "")
        raise RecipeError(file, [message]) from error


def _shown(arguments: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, arguments))})"
