"""What digests cost: checkpoints written and read with them and without, images of the decoded cache read.

python benchmarks/digests.py [--mebibytes 100] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from vae_tui.data.rows import RowFile, RowWriter
from vae_tui.model.checkpoint import encode_tensors, read_tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        tensors = {"weights": torch.randn(given.mebibytes << 18)}
        path.write_bytes(encode_tensors(tensors, {}))
        compare("write", given.rounds, lambda: safetensors.torch.save(tensors), lambda: encode_tensors(tensors, {}))
        compare("read", given.rounds, lambda: safetensors.torch.load(path.read_bytes()), lambda: read_tensors(path))
        count = (given.mebibytes << 20) // 12288
        images = np.random.default_rng(0).integers(0, 256, (count, 3, 64, 64), dtype=np.uint8)
        with RowWriter(Path(folder), images.shape) as writer:
            writer.write(0, images)
            rows = writer.finish("images.rows", {})
        out, order = np.empty((128, 3, 64, 64), np.uint8), np.random.default_rng(0).permutation(count)
        batches = [order[start : start + 128] for start in range(0, count - 128, 128)]

        def read(file: RowFile, check: bool) -> None:
            if not check:
                file._check = lambda *_: None  # type: ignore[method-assign]
            for batch in batches:
                file.read_into(out, batch)

        compare(
            "batches of 128",
            given.rounds,
            lambda: read(RowFile(rows.path), False),
            lambda: read(RowFile(rows.path), True),
        )


def compare(what: str, rounds: int, without: Callable[[], object], with_digest: Callable[[], object]) -> None:
    """Print both times, turn about, and the median of their ratios."""
    ratios, best = [], [float("inf")] * 2
    for _ in range(rounds):
        times = []
        for number, attempt in enumerate((without, with_digest)):
            began = time.perf_counter()
            attempt()
            times.append(time.perf_counter() - began)
            best[number] = min(best[number], times[-1])
        ratios.append(times[1] / times[0])
    print(
        f"{what}: {1000 * best[0]:.0f} ms without, {1000 * best[1]:.0f} ms with, ratio {statistics.median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
