"""Folders of photos: how fast they are decoded, how fast they open again, and what streaming costs a step.

    python benchmarks/folders.py [--count 100000] [--photos 4000] [--rounds 3] [--seconds 10] [--out folders.json]

`decode` reads --count JPEGs of 64 x 64 in ten folders into memory with an empty cache, as the first training on them does, and
`again` with the cache that left; `torchvision` is an ImageFolder with the same transforms in a DataLoader of two workers, and
`pillow` one loop that opens and decodes them. `in memory` and `streamed` train a small convolutional network on --photos of
256 x 256, all of them in memory or read from disk as they are wanted: images a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import product
from PIL import Image
from turns import middle, paired_ratio, say, table, take_turns, write

_HEADER = """
import json, resource, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
"""
_OURS = """
import torch
from vae_tui.data import load_image_sets
from vae_tui.recipe import DataTable
began = time.perf_counter()
data = DataTable(name="folder", root=str(folder), image_size=64, channels=3)
sets = load_image_sets(data, seed=0, data_root=Path(), progress=lambda *_: None)
count = len(sets.train) + len(sets.validation or []) + len(sets.test)
"""
_TORCHVISION = """
import torch
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import CenterCrop, Compose, PILToTensor, Resize
began, count = time.perf_counter(), 0
images = ImageFolder(folder, Compose([Resize(64), CenterCrop(64), PILToTensor()]))
for batch, _ in DataLoader(images, batch_size=256, num_workers=2):
    count += len(batch)
"""
_PILLOW = """
import numpy
from PIL import Image
began, count = time.perf_counter(), 0
for path in folder.rglob("*.jpg"):
    with Image.open(path) as image:
        numpy.asarray(image.convert("RGB"))
    count += 1
"""
_FOOTER = """
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"images_per_second": count / seconds, "seconds": seconds, "peak_mib": peak}))
"""


def write_photos(folder: Path, count: int, size: int) -> None:
    """Smooth noise in colours, which is about as large in a file as a photo."""
    generator = np.random.default_rng(0)
    made = []
    for _ in range(64):
        small = Image.fromarray(generator.integers(0, 256, (size // 8, size // 8, 3), np.uint8))
        noise = generator.normal(0, 6, (size, size, 3))
        made.append(np.clip(np.asarray(small.resize((size, size), Image.Resampling.BICUBIC)) + noise, 0, 255))
    for number in range(count):
        name = folder / f"class-{number % 10}" / f"{number:06}.jpg"
        name.parent.mkdir(parents=True, exist_ok=True)
        shifted = np.roll(made[number % 64], number // 64, 1).astype(np.uint8)
        Image.fromarray(shifted).save(name, quality=90)


def read(program: str, folder: Path, cache: Path) -> dict[str, Any]:
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", _HEADER + program + _FOOTER, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def train(folder: Path, memory_gib: float, given: argparse.Namespace) -> dict[str, Any]:
    overrides = [
        *(f"data.root={folder}", "data.image_size=256", f"data.memory_gib={memory_gib}", "data.mirror=false"),
        *("model.channels=[8, 16, 32, 64]", f"train.max_seconds={given.seconds + 3}", "train.epochs=1000"),
        *("train.compile=false", "train.threads=2"),
    ]
    with product.training("cars", overrides, data_root=None, device="cpu") as run:
        run.wait_for(lambda event: event["event"] == "run_finished" and event["status"] == "completed")
        return product.throughput(run.events, 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--photos", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vae-tui-bench-") as name:
        folder, caches = Path(name), 0
        say("writing the photos")
        write_photos(folder / "small", given.count, 64)
        write_photos(folder / "large", given.photos, 256)

        def decode() -> dict[str, Any]:
            nonlocal caches
            caches += 1
            return read(_OURS, folder / "small", folder / f"cache-{caches}")

        ways: dict[str, Callable[[], dict[str, Any]]] = {
            "decode": decode,
            "again": lambda: read(_OURS, folder / "small", folder / f"cache-{caches}"),
            "torchvision": lambda: read(_TORCHVISION, folder / "small", folder),
            "pillow": lambda: read(_PILLOW, folder / "small", folder),
            "in memory": lambda: train(folder / "large", 8.0, given),
            "streamed": lambda: train(folder / "large", 0.01, given),
        }
        measured, skipped = take_turns(ways, given.rounds)
    speeds = {who: [found["images_per_second"] for found in rounds] for who, rounds in measured.items()}
    beside = {"decode": "torchvision", "again": "decode", "pillow": "torchvision", "streamed": "in memory"}
    rows = []
    for who, speed in speeds.items():
        peak = middle([found.get("peak_mib") for found in measured[who]])
        other = beside.get(who)
        ratio = paired_ratio(speed, speeds[other]) if other in speeds else None
        rows.append((who, middle(speed), peak, other or "", ratio))
    print(table(("", "images/s", "peak MiB", "beside", "ratio"), rows))
    write(given.out, rounds=measured, skipped=skipped)


if __name__ == "__main__":
    main()
