"""Private names of Textual, Rich and plotext: where they may stand, and whether they still mean what we take them for."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from rich.console import RenderableType
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

import vae_tui
from vae_tui.tui import graphics

PACKAGE = Path(vae_tui.__file__).parent
ROOM = Path(graphics.__file__).parent
LIBRARIES = ("textual", "rich", "plotext")


def moved(name: str) -> str:
    return f"Textual {version('textual')} moved {name}; see vae_tui/tui/graphics"


def get(owner: object, name: str) -> Any:
    found = getattr(owner, name, None)
    label = owner.__name__ if isinstance(owner, type) or inspect.ismodule(owner) else type(owner).__name__
    assert found is not None, moved(f"{label}.{name}")
    return found


class WatchedApp(App[None]):
    """Remembers what it displayed."""

    def __init__(self) -> None:
        super().__init__()
        self.displayed: list[tuple[object, object]] = []

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        self.displayed.append((screen, renderable))
        super()._display(screen, renderable)


def compositor() -> Any:
    try:
        return importlib.import_module("textual._compositor")
    except ImportError:
        pytest.fail(moved("textual._compositor"))


@pytest.mark.parametrize("name", ["CompositorUpdate", "LayoutUpdate", "ChopsUpdate"])
def test_updates_of_the_compositor(name: str) -> None:
    update = get(compositor(), name)
    assert issubclass(update, compositor().CompositorUpdate), moved(name)
    assert list(inspect.signature(get(update, "render_segments")).parameters) == ["self", "console"], moved(name)


def test_layout_updates_are_strips_in_a_region() -> None:
    strips, region = [[Strip.blank(3)]], Region(1, 2, 3, 1)
    update = compositor().LayoutUpdate(strips, region)
    assert (get(update, "strips"), get(update, "region")) == (strips, region)


def test_chops_updates_are_chops_at_columns_with_the_spans_to_write() -> None:
    chops, spans, ends = [{0: Strip.blank(4), 4: None}], [(0, 1, 3)], [[4, 8]]
    update = compositor().ChopsUpdate(chops, spans, ends)
    assert (get(update, "chops"), get(update, "spans"), get(update, "chop_ends")) == (chops, spans, ends)


async def test_every_frame_goes_through_display() -> None:
    app = WatchedApp()
    parameters = list(inspect.signature(get(App, "_display")).parameters)
    assert parameters == ["self", "screen", "renderable"], moved("App._display")
    async with app.run_test() as pilot:
        await pilot.pause()
        updates = [update for _, update in app.displayed if isinstance(update, compositor().CompositorUpdate)]
        assert updates, moved("App._display")


async def test_dirty_regions_of_the_compositor_are_what_a_refresh_displays_at_once() -> None:
    app, owed = WatchedApp(), Region(3, 2, 5, 1)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.displayed.clear()
        regions = get(get(app.screen, "_compositor"), "_dirty_regions")
        assert isinstance(regions, set), moved("Compositor._dirty_regions")
        regions.add(owed)
        get(app.screen, "_compositor_refresh")()
        assert app.displayed, moved("Screen._compositor_refresh")
        ((screen, update),) = app.displayed
        assert screen is app.screen
        assert list(get(update, "spans")) == [(owed.y, owed.x, owed.right)], moved("Compositor._dirty_regions")


async def test_what_widgets_have_changed_is_found_before_a_refresh_that_comes_early() -> None:
    app = WatchedApp()
    async with app.run_test() as pilot:
        shown = Static("shown")
        await app.mount(shown)
        await pilot.pause()
        waiting = get(app.screen, "_dirty_widgets")
        shown.update("changed")
        while shown not in waiting:
            await asyncio.sleep(0)
        app.displayed.clear()
        get(get(app.screen, "_compositor"), "update_widgets")(waiting)
        get(app.screen, "_compositor_refresh")()
        assert app.displayed, moved("Compositor.update_widgets")
        assert not waiting, moved("Screen._dirty_widgets")


def test_the_parser_makes_keys_of_what_is_typed() -> None:
    try:
        parser = get(importlib.import_module("textual._xterm_parser"), "XTermParser")()
    except ImportError:
        pytest.fail(moved("textual._xterm_parser"))
    assert [event.key for event in parser.feed("a\x1b[A")] == ["a", "up"]
    assert list(parser.feed("\x1b")) == []
    assert list(get(parser, "tick")()) == []


def test_what_textual_writes_around_a_frame_is_known() -> None:
    from vae_tui.tui.graphics import driver

    sequences = importlib.import_module("textual._ansi_sequences")
    assert (driver._SYNC_START, driver._SYNC_END) == (sequences.SYNC_START, sequences.SYNC_END)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def defined_in(tree: ast.AST) -> set[str]:
    """Names of functions, classes, variables and attributes that are made here."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
    return names


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text())


OWN = {name for _, tree in modules() for name in defined_in(tree)}


def knows_libraries(path: Path, tree: ast.Module) -> bool:
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return ROOM.parent in path.parents or any(name.split(".")[0] in LIBRARIES for name in imported)


def foreign_names(tree: ast.Module) -> set[str]:
    """Private names that are imported from a library, and attributes that nothing of ours has.

    Ours are private to their module: on anything but self an attribute must be of the same one.
    """
    here, found = defined_in(tree), set()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in LIBRARIES:
                names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
                found |= {name for name in names if any(is_private(part) for part in name.split("."))}
            case ast.Import():
                found |= {
                    alias.name for alias in node.names if alias.name.split(".")[0] in LIBRARIES and "._" in alias.name
                }
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if is_private(name):
                found |= {name} - OWN
            case ast.Attribute(attr=name) if is_private(name):
                found |= {name} - here
    return found


@cache
def made_by(cls: type) -> set[str]:
    """The private names that a class defines itself."""
    names = defined_in(ast.parse(textwrap.dedent(inspect.getsource(cls))))
    return {name for name in names if is_private(name)}


def private_of_libraries(cls: type) -> set[str]:
    """The private names that a class has from Textual, Rich or plotext."""
    bases = (base for base in cls.__mro__ if base.__module__.split(".")[0] in LIBRARIES)
    return set().union(*map(made_by, bases))


def overridden_names(module: str) -> dict[str, set[str]]:
    """Names of ours that stand in for a private one of a base class, by the class."""
    found = {}
    loaded = importlib.import_module(module)
    for name, cls in vars(loaded).items():
        ours = inspect.isclass(cls) and cls.__module__ == module
        if ours and (clash := made_by(cls) & private_of_libraries(cls)):
            found[f"{module}.{name}"] = clash
    return found


def test_no_private_name_stands_outside_this_room() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path, tree in modules()
        if ROOM not in path.parents and knows_libraries(path, tree) and (names := foreign_names(tree))
    }
    assert not found, "private names of others belong into vae_tui/tui/graphics"


@pytest.mark.slow
def test_no_private_name_is_overridden_outside_this_room() -> None:
    import vae_tui.tui as tui

    found: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        if not module.name.startswith(graphics.__name__):
            found |= overridden_names(module.name)
    assert not found, "a name of ours hides a private one of Textual, Rich or plotext"


def test_the_page_names_all_that_is_relied_on_and_no_more() -> None:
    used: set[str] = set()
    for path, tree in modules():
        if ROOM in path.parents:
            used |= foreign_names(tree)
    for module in pkgutil.iter_modules(graphics.__path__, f"{graphics.__name__}."):
        used |= {name for names in overridden_names(module.name).values() for name in names}
    page = graphics.__doc__ or ""
    named = {name for quoted in re.findall(r"`([\w.]+)`", page) for name in quoted.split(".") if is_private(name)}
    assert named == {part for name in used for part in name.split(".") if is_private(part)}
    assert {name.split(".")[-1] for name in used} <= set(re.findall(r"\w+", page))
