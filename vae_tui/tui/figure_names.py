"""The figures of a run that have charts of their own, by the names they are chosen by."""

from __future__ import annotations

import re

from vae_tui.runs.history import History

_FIGURES = {
    "loss": "loss, nats/image",
    "negative_elbo": "−ELBO, nats/image",
    "distortion": "distortion, nats/image",
    "rate": "rate, nats/image",
    "active": "active latent dimensions",
    "codes_used": "codes used (perplexity)",
    "beta": "beta",
    "lr": "learning rate",
    "gradient_norm": "gradient norm",
    "images_per_second": "images/s",
    "rss_bytes": "memory, GiB",
    "cpu_percent": "cpu, %",
    "gpu_percent": "gpu, %",
    "gpu_memory_bytes": "gpu memory, GiB",
    "gpu_celsius": "gpu, °C",
    "gpu_watts": "gpu, W",
    "disk_free_bytes": "free disk, GiB",
}
USUAL = (
    *("loss", "rate", "active", "codes_used", "beta", "lr", "gradient_norm", "images_per_second"),
    *("rss_bytes", "cpu_percent", "gpu_percent", "gpu_celsius", "gpu_watts"),
)
"""Those that are shown where none was chosen, as far as the run has them."""


def dimension_of(figure: str) -> int | None:
    """The latent dimension whose KL a figure such as z3 is; None for any other."""
    found = re.fullmatch(r"z(\d{1,6})", figure)
    return int(found[1]) if found else None


def title_of(figure: str) -> str:
    """What a figure is called, with its unit."""
    dimension = dimension_of(figure)
    return _FIGURES[figure] if dimension is None else f"KL of z{dimension}, nats"


def figures_of(history: History) -> dict[str, str]:
    """The figures that a run has, each with its title."""
    measured = {name: title for name, title in _FIGURES.items() if name == "active" or _is_measured(history, name)}
    return measured | {f"z{index}": title_of(f"z{index}") for index in range(len(history.now.rate_per_dimension))}


def _is_measured(history: History, figure: str) -> bool:
    return any(len(figures[figure]) for figures in (history.train, history.validation) if figure in figures)
