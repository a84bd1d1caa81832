"""What this machine and this terminal can do for vae-tui, why that is thought, and what to do about it. No torch."""

from __future__ import annotations

from pathlib import Path

from vae_tui.doctor.disk import examine_disk
from vae_tui.doctor.findings import Finding
from vae_tui.doctor.machine import examine_machine, probe_environment
from vae_tui.doctor.terminal import examine_terminal


def examine(*, runs_dir: Path, data_root: Path | None) -> list[Finding]:
    """Ask the terminal and the machine, both at once; takes as long as importing torch does."""
    with probe_environment(data_root) as looking:
        terminal = examine_terminal(until=looking.is_there)
        machine = examine_machine(looking)
    return [*terminal, *machine, *examine_disk(runs_dir)]
