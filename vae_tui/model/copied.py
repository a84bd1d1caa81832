"""Modules of this package as source code that stands alone: what builds them, and of their classes the methods that are called.

A layer of torch.nn is written as its constructor. Of a class of ours the methods named are copied, with the functions, classes
and constants that they use; its constructor takes what those methods read of it: layers, weights and plain values.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from vae_tui.model.ladder import TopDown
from vae_tui.model.priors import VampPrior

_PACKAGE = "vae_tui."
_WIDTH = 80
_INDENT = " " * 4
_SQUARE = ("kernel_size", "stride", "padding", "output_padding", "dilation")
"""Sizes that torch keeps as a pair where one number was given."""
_CALLED: dict[type, tuple[str, ...]] = {TopDown: ("forward", "lower_prior"), VampPrior: ("draw",)}
"""What else calls a module by than `forward`."""


@dataclass
class CopiedCode:
    """What a file has to have above the code that `build` gives; `tensors` are the names of the weights it needs."""

    imports: dict[str, tuple[Any, str]] = field(default_factory=dict)
    """By name: what is imported, and the line that does it."""
    definitions: dict[str, tuple[Any, str]] = field(default_factory=dict)
    """By name: the function, class or constant, and its source."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    _built: dict[int, str] = field(default_factory=dict)
    """How modules that were built already are reached, by their identity."""
    _given: dict[int, str] = field(default_factory=dict)
    """What is not to be built but written so, by identity: networks of one's own."""

    def take(self, module: nn.Module, expression: str) -> None:
        """Write this module as `expression`, which brings all its layers."""
        self._given[id(module)] = expression

    def build(self, module: nn.Module, path: str, *, called: tuple[str, ...] = ("forward",)) -> str:
        """The expression that builds a module which becomes `self.<path>`; of a class of ours these methods are `called`."""
        if (reached := self._built.get(id(module))) is not None:
            return reached
        self._built[id(module)] = _reach(path)
        kind = type(module)
        if (expression := self._given.get(id(module))) is not None:
            self._keep(path, module.state_dict())
            return expression
        if isinstance(module, nn.Sequential | nn.ModuleList):
            parts = [self.build(child, f"{path}.{name}") for name, child in module.named_children()]
            return _call(f"nn.{kind.__name__}", parts if kind is nn.Sequential else [_listed(parts)])
        if not kind.__module__.startswith(_PACKAGE):
            self._keep(path, module.state_dict())
            return _call(f"nn.{kind.__name__}", list(_arguments(module)))
        methods = self._methods(kind, _CALLED.get(kind, called))
        read = set(_read_of(methods))
        values = {name: getattr(module, name) for name in _attributes(module) if name in read}
        self._define_module(kind, methods, values, module)
        parts = [f"{name.lstrip('_')}={self._value(value, path, name)}" for name, value in values.items()]
        return _call(kind.__name__, parts)

    def _value(self, value: Any, path: str, name: str) -> str:
        """The expression for what a module has as `name`."""
        if isinstance(value, nn.Module):
            return self.build(value, f"{path}.{name}")
        if isinstance(value, Tensor):
            self._keep(path, {name: value})
            empty = f"torch.empty({tuple(value.shape)}{'' if value.is_floating_point() else f', dtype={value.dtype}'})"
            return f"nn.Parameter({empty})" if isinstance(value, nn.Parameter) else empty
        if inspect.ismethod(value):
            return f"self.{value.__name__}"  # of the VAE: a VampPrior asks it for posteriors
        if isinstance(value, list | tuple) and any(isinstance(one, nn.Module) for one in value):
            (one,) = value
            return (
                f"[{self._value(one, path, name)}]" if isinstance(value, list) else f"({self._value(one, path, name)},)"
            )
        return repr(value)

    def _keep(self, path: str, tensors: dict[str, Tensor]) -> None:
        self.tensors |= {f"{path}.{name}": tensor.detach().cpu().clone() for name, tensor in tensors.items()}

    def _methods(self, kind: type, called: Iterable[str]) -> dict[str, str]:
        """The source of these methods of a class, and of those that they call in turn."""
        found: dict[str, str] = {}
        waiting = list(called)
        while waiting:
            name = waiting.pop(0)
            method = getattr(kind, name, None)
            if name not in found and callable(method) and method.__module__.startswith(_PACKAGE):
                found[name] = self._copy(method)
                waiting += _read_of({name: found[name]})
        return found

    def _define_module(self, kind: type, methods: dict[str, str], values: dict[str, Any], module: nn.Module) -> None:
        lines = [f'class {kind.__name__}(nn.Module):\n    """{_docstring(kind)}"""\n']
        if values:
            names = [_declared(name, value) for name, value in values.items()]
            head = _enclose("def __init__(", ["self", "*", *names], ") -> None:")
            body = ["super().__init__()", *(_assign(module, name) for name in values)]
            lines.append(textwrap.indent(head + "".join(f"\n{_INDENT}{line}" for line in body) + "\n", _INDENT))
        lines += [textwrap.indent(source, _INDENT) for source in methods.values()]
        self.definitions.setdefault(kind.__name__, (kind, "\n".join(lines)))

    def _copy(self, copied: Callable[..., Any]) -> str:
        """The source of a function or class, once what it uses is defined or imported."""
        source = textwrap.dedent(inspect.getsource(copied))
        there = vars(sys.modules[copied.__module__])
        for name in sorted(_names_in(source) & there.keys()):
            self._require(name, there[name])
        return source

    def _require(self, name: str, value: Any) -> None:
        """Have `name` defined or imported."""
        if name in self.definitions:
            assert self.definitions[name][0] is value, f"two things in one file are called {name}"
            return
        if isinstance(value, ModuleType):
            parent, _, leaf = value.__name__.rpartition(".")
            self.imports[name] = (value, f"from {parent} import {leaf}" if parent else f"import {leaf}")
        elif not hasattr(value, "__module__"):
            self.definitions[name] = (value, f"{name} = {value!r}\n")
        elif value.__module__.startswith(_PACKAGE):
            self.definitions[name] = (value, "")  # for those that call themselves
            source = self._copy(value)
            del self.definitions[name]  # what it uses stands above it
            self.definitions[name] = (value, source)
        else:
            self.imports[name] = (value, f"from {value.__module__} import {name}")


def _names_in(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _read_of(methods: dict[str, str]) -> list[str]:
    """The attributes of `self` that methods read, each once, in the order of the first."""
    found = (
        node.attr
        for source in methods.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    )
    return list(dict.fromkeys(found))


def _attributes(module: nn.Module) -> list[str]:
    """What a module has that is its own, and not its class's."""
    return [*vars(module), *module._buffers, *module._parameters, *module._modules]


def _declared(name: str, value: Any) -> str:
    argument = name.lstrip("_")
    for kind, shown in ((nn.Parameter, "nn.Parameter"), (Tensor, "Tensor"), (nn.Module, "nn.Module")):
        if isinstance(value, kind):
            return f"{argument}: {shown}"
    return argument if inspect.ismethod(value) else f"{argument}: {type(value).__name__}"


def _assign(module: nn.Module, name: str) -> str:
    argument = name.lstrip("_")
    return f'self.register_buffer("{name}", {argument})' if name in module._buffers else f"self.{name} = {argument}"


def _docstring(kind: type) -> str:
    return textwrap.indent(inspect.getdoc(kind) or "", _INDENT).strip() + (
        "\n    " if "\n" in (kind.__doc__ or "") else ""
    )


def _arguments(layer: nn.Module) -> Iterator[str]:
    """What a layer of torch.nn has to be made with: what has no default by its place, the rest where it differs."""
    for name, parameter in inspect.signature(type(layer)).parameters.items():
        if not hasattr(layer, name):
            continue  # device, dtype
        value = getattr(layer, name)
        if name == "bias":
            value = value is not None
        if name in _SQUARE and isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        if parameter.default is parameter.empty:
            yield repr(value)
        elif value != parameter.default:
            yield f"{name}={value!r}"


def _reach(path: str) -> str:
    """How `self` reaches what it has at a path, "decoder.0.grown"."""
    return "self" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))


def _listed(parts: list[str]) -> str:
    return _enclose("[", parts, "]")


def _call(name: str, parts: list[str]) -> str:
    return _enclose(f"{name}(", parts, ")")


def _enclose(opening: str, parts: list[str], closing: str) -> str:
    """On one line where there is room and nothing inside is on several, else a part a line."""
    flat = f"{opening}{', '.join(parts)}{closing}"
    if len(flat) <= _WIDTH and "\n" not in flat:
        return flat
    lines = [f"{textwrap.indent(part, _INDENT)},\n" for part in parts]
    return f"{opening}\n{''.join(lines)}{closing}"
