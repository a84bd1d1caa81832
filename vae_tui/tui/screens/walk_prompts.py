"""What a walk lets a user type: a prompt each, and who takes what is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vae_tui.tui.prompt_inputs import (
    check_class,
    check_directions,
    check_place,
    check_plane,
    check_seed,
    check_value,
    read_number,
    read_plane,
    suggest_classes,
    suggest_directions,
    suggest_places,
    suggest_sources,
)
from vae_tui.tui.screens.prompt import PromptScreen
from vae_tui.walk.export import free_name
from vae_tui.walk.session import WalkSession


@dataclass(frozen=True)
class Prompt:
    """A screen to type into, and who takes what is typed, unless it is nothing."""

    screen: PromptScreen
    take: Callable[[str], object]


def value_prompt(session: WalkSession, columns: int) -> Prompt:
    """The chosen axis's value."""
    axes, chosen = session.walk.dimensions.axes, session.walk.dimensions.chosen
    span = axes.spans[chosen]
    meaning = f"a number; draws of the prior lie between −{span:g} and {span:g}"
    value = f"{axes.value(session.walk.z, chosen):g}"
    screen = PromptScreen(axes.name(chosen), meaning, value=value, check=check_value)

    def take(text: str) -> None:
        if (value := read_number(text)) is not None:
            session.place.set_value(value)

    return Prompt(screen, take)


def seed_prompt(session: WalkSession, columns: int) -> Prompt:
    """A seed."""
    meaning = "a whole number; the place is that of vae-tui sample --count 1 --seed N"
    screen = PromptScreen("seed", meaning, value=str(session.walk.draws.seed), check=check_seed)
    return Prompt(screen, lambda text: session.place.draw(int(text)))


def plane_prompt(session: WalkSession, columns: int) -> Prompt:
    """The two axes of map and scatter."""
    axes = session.walk.dimensions.axes
    directions = "".join(f", {direction.name}" for direction in axes.directions)
    meaning = f"two of z0 to z{axes.latent_dim - 1}{directions}, the horizontal one first, as in: 0 3"

    def take(text: str) -> None:
        first, second = read_plane(text)
        session.view.set_plane(first, second)

    return Prompt(PromptScreen("plane", meaning, check=lambda text: check_plane(text, axes)), take)


def direction_prompt(session: WalkSession, columns: int) -> Prompt:
    """A direction."""
    meaning = "pca:1 (of codes) · class:4-9 · jacobian:1 (what changes the picture most) · line:A-B (anchors)"

    walk = session.walk
    classes = None if walk.opened is None else walk.opened.class_names
    letters = walk.anchors.letters
    screen = PromptScreen(
        "walk along",
        meaning,
        suggest=lambda text: suggest_directions(text, classes or (), letters),
        check=lambda text: check_directions(text, len(walk.z), classes, letters),
    )
    return Prompt(screen, session.directions.add)


def anchor_prompt(session: WalkSession, columns: int) -> Prompt:
    """An image."""
    meaning = "12 (test image) · train:12 · class:4 · class:4:3 (its fourth) · mean:4 · a picture file"

    def suggest(text: str) -> list[tuple[str, str]]:
        opened = session.walk.opened
        return suggest_sources(text, opened.class_names if opened is not None else [])

    return Prompt(PromptScreen("add an anchor", meaning, suggest=suggest), session.motion.add_source)


def place_prompt(session: WalkSession, columns: int) -> Prompt:
    """A place to go to: an image's code, or a sum of places."""
    meaning = "12 (test image) · class:4 · next:4 · A - B + C: anchors, z, class names (means), 0.5 * A, 12"
    opened = session.walk.opened
    screen = PromptScreen(
        "go to",
        meaning,
        value=session.place.repeated,
        suggest=lambda text: suggest_places(text, () if opened is None else opened.class_names),
        check=lambda text: check_place(text, None if opened is None else opened.class_names),
    )
    return Prompt(screen, session.place.go_to)


def class_prompt(session: WalkSession, columns: int) -> Prompt:
    """A class to light up among the codes."""
    names, counts = session.view.class_names, session.view.class_counts
    screen = PromptScreen(
        "light up a class",
        "a class, by its name or the beginning of it; C again: all",
        suggest=lambda text: suggest_classes(text, names, counts),
        check=lambda text: check_class(text, names),
    )
    return Prompt(screen, session.view.light)


def export_prompt(session: WalkSession, columns: int) -> Prompt:
    """A file's name; the view has so many pictures in a row, where it does not say how many."""
    recorded = bool(session.walk.recording.frames)
    what = "the recording" if recorded else "the way through the anchors"
    meaning = f".png: this view   .gif: {what}   .toml: the same as a path"
    screen = PromptScreen("export", meaning, value=free_name("walk", ".gif" if recorded else ".png"))
    return Prompt(screen, lambda text: session.storage.export(text, columns))


PROMPTS: dict[str, Callable[[WalkSession, int], Prompt]] = {
    "value": value_prompt,
    "seed": seed_prompt,
    "plane": plane_prompt,
    "direction": direction_prompt,
    "anchor": anchor_prompt,
    "place": place_prompt,
    "class": class_prompt,
    "export": export_prompt,
}
