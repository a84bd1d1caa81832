"""A whole training step on a GPU as one launch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vae_tui.training.ranks import Batch

Step = Callable[[Batch], Tensor]
Recorder = Callable[[Step, Batch], Tensor]
"""Takes a step with its inputs, by name, and returns what the step returns."""

_STEPS_BEFORE = 3
"""Libraries choose their kernels and take their memory in the first steps, which are not for recording."""


class GraphRecorder:
    """Records a step as a CUDA graph and replays it: one launch in place of some sixty, each of a few microseconds.

    The step must do the same every time on inputs of the same shapes, wait for nothing, and hand on its results in
    tensors it changes in place. https://docs.pytorch.org/docs/stable/notes/cuda.html, "CUDA Graphs"
    """

    def __init__(self) -> None:
        self._inputs: Batch = {}
        self._output = torch.empty(0)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._steps = 0

    def __call__(self, step: Step, inputs: Batch) -> Tensor:
        """Take the step; what it returns is written over by the next."""
        if self._steps < _STEPS_BEFORE:
            self._steps += 1
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                output = step(inputs)
            torch.cuda.current_stream().wait_stream(side)
            return output
        if self._graph is None:
            self._inputs = {name: tensor.clone() for name, tensor in inputs.items()}
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._output = step(self._inputs)
        for name, tensor in inputs.items():
            self._inputs[name].copy_(tensor)
        self._graph.replay()
        return self._output
