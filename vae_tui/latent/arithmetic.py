"""Sums of places in latent space: "man - woman + A"."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from vae_tui.errors import VaeTuiError
from vae_tui.latent.codes import Latents


def calculate(text: str, find: Callable[[str], Latents]) -> Latents:
    """The sum (Z,) of the terms of `text`, each found by name; + and - stand between spaces, a number and * before a term.

    "A - B + C", "mean:smiling - mean:neutral + z", "0.5 * A + 0.5 * B". Names may have hyphens in them; between single
    letters, as in "A-B+C", no spaces are needed. Raises VaeTuiError for a text that is no sum.
    """
    text = re.sub(r"(?<=\b[A-Za-z])([+-])(?=[A-Za-z]\b)", r" \1 ", text)
    signed = text.strip() if re.match(r"\s*[+-]\s", text) else f"+ {text.strip()}"
    parts = re.split(r"(?:^|\s+)([+-])(?:\s+|$)", signed)[1:]
    terms = list(zip(parts[0::2], parts[1::2], strict=True))
    if not terms or any(not term.strip() for _, term in terms):
        raise VaeTuiError(f"{text!r} is no sum: expected terms with + or - between them, as in A - B + C")
    total = None
    for sign, term in terms:
        factor, name = _factor(term.strip())
        part = (factor if sign == "+" else -factor) * find(name).astype(np.float64)
        total = part if total is None else total + part
    assert total is not None
    summed: Latents = total.astype(np.float32)
    return summed


def _factor(term: str) -> tuple[float, str]:
    """The number a term is multiplied with, and the rest of it."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*\*\s*(.+)", term)
    return (float(match[1]), match[2]) if match else (1.0, term)
