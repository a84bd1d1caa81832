"""A whole training step on a GPU as one launch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from vae_tui.training.ranks import Batch

Recorder = Callable[[Callable[[Batch], None], Batch], None]
"""Takes a step with its inputs, by name."""

_STEPS_BEFORE = 3
"""Libraries choose their kernels and take their memory in the first steps, which are not for recording."""


class GraphRecorder:
    """Records a step as a CUDA graph and replays it: one launch in place of some eighty, each of 5 to 20 us.

    The step must do the same every time, on inputs of the same shapes, and wait for nothing; what changes must be in its
    inputs or in tensors that stay in place. https://docs.pytorch.org/docs/stable/notes/cuda.html, "CUDA Graphs"
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        """`generators` are those that the step draws from, which go on at each replay as if it had drawn itself."""
        self._generators = generators
        self._inputs: Batch = {}
        self._graph: torch.cuda.CUDAGraph | None = None
        self._steps = 0

    def __call__(self, step: Callable[[Batch], None], inputs: Batch) -> None:
        """Take the step."""
        if self._steps < _STEPS_BEFORE:
            self._steps += 1
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                step(inputs)
            torch.cuda.current_stream().wait_stream(side)
            return
        if self._graph is None:
            self._inputs = {name: tensor.clone() for name, tensor in inputs.items()}
            self._graph = torch.cuda.CUDAGraph()
            for generator in self._generators:
                self._graph.register_generator_state(generator)
            with torch.cuda.graph(self._graph):
                step(self._inputs)
        for name, tensor in inputs.items():
            self._inputs[name].copy_(tensor)
        self._graph.replay()
