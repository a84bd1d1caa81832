"""The machine, asked by a process that imports torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_tui.doctor.findings import Finding
from vae_tui.errors import DeviceError
from vae_tui.folders import open_scratch, why_not_home
from vae_tui.runs.job import environment_of_torch

Facts = Mapping[str, Any]
"""What `vae_tui.training.environment` prints."""


class EnvironmentProbe:
    """The process that looks, while it does."""

    def __init__(self, data_root: Path | None) -> None:
        command = [sys.executable, "-m", "vae_tui.training.environment"]
        if data_root is not None:
            command.append(str(data_root))
        # Files, for pipes fill up while they are not read.
        self._said, self._complaint = open_scratch(), open_scratch()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._complaint,
            env=environment_of_torch(os.environ),  # what is so for a trainer is looked for
        )

    def is_there(self) -> bool:
        """Whether it has answered, or died."""
        return self._process.poll() is not None

    def wait(self) -> Facts:
        """What it found; raises DeviceError with its last words where it died."""
        self._process.wait()
        self._said.seek(0)
        self._complaint.seek(0)
        lines = self._complaint.read().decode("utf-8", "replace").strip().splitlines() or ["it printed nothing"]
        if self._process.returncode < 0:
            raise DeviceError(f"it was ended by {signal.Signals(-self._process.returncode).name}: {lines[-1]}")
        try:
            # What others print as Python starts comes before it.
            facts: Facts = json.loads(self._said.read().splitlines()[-1])
        except (ValueError, IndexError):
            raise DeviceError(lines[-1]) from None
        return facts

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self._complaint.close()


@contextmanager
def probe_environment(data_root: Path | None) -> Iterator[EnvironmentProbe]:
    """Start to look at the machine; what is asked meanwhile costs no time of its own."""
    started = EnvironmentProbe(data_root)
    try:
        yield started
    finally:
        started.close()


def examine_machine(probe: EnvironmentProbe) -> list[Finding]:
    """Wait for the environment probe, and judge what it found."""
    try:
        facts = probe.wait()
    except DeviceError as error:
        advice = "install both anew, in matching builds: pip install --force-reinstall torch torchvision"
        return [
            Finding("device", "bad", "torch does not start, so nothing can be trained or drawn", str(error), advice)
        ]
    if "problem" in facts:
        found = "it could not be looked at, though torch starts"
        return [Finding("device", "bad", found, str(facts["problem"]), "mend that, and run vae-tui doctor again")]
    return [judge_device(facts), judge_threads(facts), judge_data(facts)]


def judge_device(facts: Facts) -> Finding:
    """What a run trains on unless it is told otherwise."""
    gpus = facts["gpus"]
    shown = {name: facts[name] for name in ("torch", "built_for_cuda", "device", "gpus", "mps", "multiplies_bfloat16")}
    memory = f"{facts['available_bytes'] / 2**30:.1f} of {facts['memory_bytes'] / 2**30:.1f} GiB of memory free"
    torch = f"torch {facts['torch']}"
    if gpus:
        named = ", ".join(
            f"cuda:{index} {gpu['name']}, {gpu['free_bytes'] / 2**30:.1f} of {gpu['memory_bytes'] / 2**30:.1f} GiB free"
            for index, gpu in enumerate(gpus)
        )
        return Finding("device", "good", named, f"{torch} for CUDA {facts['built_for_cuda']} finds them", "", shown)
    found = f"cpu ({facts['processor']}), {memory}"
    if facts["nvidia_driver"] and facts["built_for_cuda"] is None:
        advice = "install torch and torchvision built for CUDA, together"
        return Finding(
            "device", "fair", found, f"there is an NVIDIA GPU, but {torch} was built without CUDA", advice, shown
        )
    if facts["nvidia_driver"]:
        why = f"there is an NVIDIA GPU, but {torch} for CUDA {facts['built_for_cuda']} cannot use it"
        advice = "is CUDA_VISIBLE_DEVICES empty, or the driver older than that CUDA? nvidia-smi says what it is for"
        return Finding("device", "fair", found, why, advice, shown)
    if facts["mps"]:
        return Finding("device", "good", found, f"{torch}; there is an Apple GPU too", "try --device mps", shown)
    advice = ""
    if facts["multiplies_bfloat16"]:
        advice = "its products are quicker in bfloat16: --set train.precision=bf16 takes a quarter to a third less time"
    return Finding("device", "good", found, f"{torch} finds no GPU, and no NVIDIA driver is here", advice, shown)


def judge_threads(facts: Facts) -> Finding:
    """How many threads torch takes on the CPU."""
    threads, cores, busy = facts["threads"], facts["cores"], facts["busy_cores"]
    shown = {name: facts[name] for name in ("threads", "cores", "physical_cores", "busy_cores", "variables", "waiting")}
    why = f"{cores} cores for this process, {busy:.1f} of them busy in the last minute"
    limits = ", ".join(f"{name}={value}" for name, value in facts["variables"].items())
    why += f"; {limits} is set" if limits else ""
    why += f"; {facts['waiting']}" if facts["waiting"] else ""
    if limits and threads < cores:
        advice = f"unset it, or give --set train.threads={cores}, to train on every core"
        return Finding("threads", "fair", str(threads), why, advice, shown)
    if busy > cores / 2 and threads > 1:
        advice = "other programs want the cores too, and training makes way for them: end those that are not needed"
        return Finding("threads", "fair", str(threads), why, advice, shown)
    return Finding("threads", "good", str(threads), why, "", shown)


def judge_data(facts: Facts) -> Finding:
    """Which image sets can be had without a network."""
    there = [name for name, present in facts["sets"].items() if present]
    missing = [name for name, present in facts["sets"].items() if not present]
    root = facts["data_root"]
    shown = {"data_root": root, "sets": facts["sets"]}
    advice = ""
    if missing:
        advice = f"{', '.join(missing)}: name the folder that has them with --data-root (or VAE_TUI_DATA_ROOT)"
        if set(missing) - {"binarized-mnist"}:
            advice += "; the first training on one of them downloads it there, but for binarized-mnist"
    why = f"looked in {root}; digits are embedded"
    if reason := why_not_home():
        why += f"; {reason}, so that what is downloaded or decoded goes to a temporary folder"
        advice = "; ".join(part for part in (advice, "export XDG_CACHE_HOME=FOLDER to keep it") if part)
    return Finding("data", "good", ", ".join(there), why, advice, shown)
