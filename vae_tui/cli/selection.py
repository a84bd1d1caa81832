"""Several runs as a user names them: each by itself, or all of a sweep by sweep:NAME."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vae_tui.runs.layout import Run
    from vae_tui.sweep.folder import Sweep

_SWEEP = "sweep:"


def find_runs(names: Iterable[str], runs_dir: Path, find: Callable[[str, Path], Run] | None = None) -> list[Run]:
    """The runs of those names, each once; `find` finds one by its name [default: `find_run`].

    Raises RunError as `find_run` does, and VaeTuiError for a sweep that is not there.
    """
    from vae_tui.runs.find import find_run

    found: list[Run] = []
    for name in names:
        sweep = sweep_named(name, runs_dir)
        found += [(find or find_run)(name, runs_dir)] if sweep is None else runs_of(sweep)
    return list({run.path.resolve(): run for run in found}.values())


def runs_of(sweep: Sweep) -> list[Run]:
    """The runs of a sweep that were begun."""
    from vae_tui.runs.identity import first_start

    runs = (sweep.run_of(job) for job in sweep.read().jobs)
    return [run for run in runs if (start := first_start(run)) is not None and start.sweep == sweep.name]


def sweep_named(name: str, runs_dir: Path) -> Sweep | None:
    """The sweep that sweep:NAME names; None for what names a run. Raises VaeTuiError where there is no such sweep."""
    from vae_tui.sweep.folder import require_sweep

    return require_sweep(name.removeprefix(_SWEEP), runs_dir) if name.startswith(_SWEEP) else None
