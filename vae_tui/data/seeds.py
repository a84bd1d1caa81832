"""One random generator for each purpose, all from the recipe's seed."""

from __future__ import annotations

import hashlib

import torch


def seed_for(seed: int, purpose: str) -> int:
    """A seed that depends on the recipe's and on what it is for, and on nothing else."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "little")


def seeded(seed: int, purpose: str) -> torch.Generator:
    """A generator on the CPU for one purpose."""
    return torch.Generator().manual_seed(seed_for(seed, purpose))
