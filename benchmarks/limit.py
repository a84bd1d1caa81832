"""The limit that peers are measured against: no training, only the matrix products and convolutions of a step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any


def run_limit(problem: Any, observer: Any) -> None:
    """Run the products of a problem's step, back to back, and count its images as a peer does, without end."""
    import torch

    def run(products: list[Callable[[], Any]]) -> None:
        for product in products:
            product()

    def seconds(products: list[Callable[[], Any]]) -> float:
        taken = []
        for _ in range(3):
            synchronize(problem.device)
            began = time.perf_counter()
            for _ in range(5):
                run(products)
            synchronize(problem.device)
            taken.append(time.perf_counter() - began)
        return min(taken)

    with torch.no_grad():
        layouts = [list(_products(problem, layout)) for layout in (torch.contiguous_format, torch.channels_last)]
        # Layer by layer, each in the layout it is faster in, as if changing between them were free.
        products = [product for pair in zip(*layouts, strict=True) for product in min(pair, key=seconds)]
        while True:
            run(products)
            observer.step(problem.batch_size)


def _products(problem: Any, layout: Any) -> Iterator[list[Callable[[], Any]]]:
    """For each layer of the network, its matrix products in one step."""
    import torch

    network = problem.network()
    seen: list[tuple[Any, Any, Any]] = []
    hooks = [
        layer.register_forward_hook(lambda layer, given, output: seen.append((layer, given[0], output)))
        for layer in network.modules()
        if not list(layer.children()) and getattr(layer, "weight", None) is not None and layer.weight.ndim > 1
    ]
    x = torch.rand(problem.batch_size, *problem.shape, device=problem.device)
    network["decoder"](network["encoder"](x)[:, : problem.latent_dim])
    for hook in hooks:
        hook.remove()
    for number, (layer, given, output) in enumerate(seen):
        yield _layer_products(layer, given, output, first=number == 0, layout=layout)


def _layer_products(layer: Any, x: Any, output: Any, *, first: bool, layout: Any) -> list[Callable[[], Any]]:
    """Output from input, and from the output's gradient those of the weight and, but for the first layer, the input."""
    import torch

    weight = layer.weight.detach()
    if weight.ndim == 2:
        x, gradient = x.clone(), torch.rand_like(output)
        outputs, weights, inputs = torch.empty_like(output), torch.empty_like(weight), torch.empty_like(x)
        products: list[Callable[[], Any]] = [
            lambda: torch.mm(x, weight.t(), out=outputs),
            lambda: torch.mm(gradient.t(), x, out=weights),
        ]
        return products if first else [*products, lambda: torch.mm(gradient, weight, out=inputs)]
    weight, x = weight.clone(memory_format=layout), x.clone(memory_format=layout)
    gradient = torch.rand_like(output).contiguous(memory_format=layout)
    transposed = isinstance(layer, torch.nn.ConvTranspose2d)
    form = (layer.stride, layer.padding, layer.dilation, transposed, getattr(layer, "output_padding", (0, 0)))
    return [
        lambda: torch.ops.aten.convolution(x, weight, None, *form, layer.groups),
        lambda: torch.ops.aten.convolution_backward(
            gradient, x, weight, None, *form, layer.groups, [not first, True, False]
        ),
    ]


def synchronize(device: str) -> None:
    """Wait for a GPU."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()
