"""The settings: what was chosen for the program, changed and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vae_tui.settings import PICTURES, THEME, check_folder, settings_path
from vae_tui.text import printable
from vae_tui.tui.colors import THEMES
from vae_tui.tui.palette import PICTURE_WORDS
from vae_tui.tui.screens.closing import ClosesOnce
from vae_tui.tui.screens.key_list import KeyListScreen, SettingsApp
from vae_tui.tui.screens.prompt import PromptScreen
from vae_tui.wording import counted

if TYPE_CHECKING:
    from vae_tui.tui.graphics.app import PictureApp

_NAMES = {"theme": "Theme", "pictures": "Pictures", "runs_dir": "Runs", "data_root": "Data", "keys": "Keys"}
_MEANINGS = {
    "theme": "the colors of everything; seen as you go through them",
    "pictures": "how they are drawn; i tries the others for now",
    "runs_dir": "the folder of runs, where --runs-dir is not given; from the next start on",
    "data_root": "the folder of image sets, where --data-root is not given; from the next start on",
    "keys": "what each does, and others in their place",
}
_OUR_THEMES = {
    "vae-tui": "dark",
    "color-blind": "for color blindness",
    "sixteen-colors": "your terminal's own",
}


class SettingsScreen(ClosesOnce[None], ModalScreen[None]):
    """A line for each setting, with what it is now."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f2,comma,ctrl+c", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """One panel."""
        with Vertical(classes="panel") as panel:
            panel.border_title = "settings"
            panel.border_subtitle = "↑ ↓ enter changes · esc closes"
            yield OptionList(compact=True)
            yield Static(classes="hint", markup=False)
            yield Static(f"kept in {printable(str(settings_path()))}", classes="path", markup=False)

    def on_mount(self) -> None:
        """Show what is chosen."""
        self._show()

    def on_screen_suspend(self) -> None:
        """Make way for what a value is chosen by, so that the screen behind is seen as it would be."""
        self.add_class("behind")

    def on_screen_resume(self) -> None:
        """Show what was chosen meanwhile."""
        self.remove_class("behind")
        self._show()

    def _show(self) -> None:
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        values = _describe(_with_settings(self.app), self.app.theme)
        options.set_options(
            Option(Content.assemble((f"{name:<11}", "bold"), printable(values[key])), id=key)
            for key, name in _NAMES.items()
        )
        options.highlighted = at

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what the setting is."""
        self.query_one(".hint", Static).update(_MEANINGS[str(event.option_id)])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Change it."""
        app = cast("PictureApp[Any]", self.app)
        if event.option_id == "theme":
            choose_theme(app)
        elif event.option_id == "pictures":
            _choose_pictures(app)
        elif event.option_id == "keys":
            app.push_screen(KeyListScreen())
        elif event.option_id is not None:
            _choose_folder(app, event.option_id)


class ValueScreen(ClosesOnce[str | None], ModalScreen[str | None]):
    """Values to choose from, the first of which `chosen` is highlighted; `preview` is shown each that one goes to.

    Its result is the value, None if it was left.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+c", "cancel", "Cancel")]

    def __init__(
        self,
        title: str,
        values: Sequence[tuple[str, str]],
        chosen: str,
        preview: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._title, self._values, self._chosen, self._preview = title, values, chosen, preview

    def compose(self) -> ComposeResult:
        """One panel, at the side, so that what is behind it is seen."""
        with Vertical(classes="panel") as panel:
            panel.border_title = self._title
            panel.border_subtitle = "↑ ↓ enter takes · esc leaves"
            width = max(len(value) for value, _ in self._values)
            options = OptionList(
                *(
                    Option(Content.assemble((f"{value:<{width}}  ", "bold"), meaning), id=value)
                    for value, meaning in self._values
                ),
                compact=True,
            )
            names = [value for value, _ in self._values]
            options.highlighted = names.index(self._chosen) if self._chosen in names else 0
            yield options

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show how it would be."""
        self._preview(str(event.option_id))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(event.option_id)

    def action_cancel(self) -> None:
        """Take none."""
        self.dismiss(None)


def choose_theme(app: PictureApp[Any]) -> None:
    """Let the user go through the themes, and keep the one that is taken."""

    before = app.theme

    def show(name: str) -> None:
        app.theme = name

    def take(name: str | None) -> None:
        show(name or before)
        if name is not None:
            _with_settings(app).change_setting("theme", None if name == THEME else name)

    ours = [theme.name for theme in THEMES]
    others = sorted(set(app.available_themes) - {*ours}, key=lambda name: (not app.available_themes[name].dark, name))
    values = [(name, _OUR_THEMES[name]) for name in ours]
    values += [(name, "dark" if app.available_themes[name].dark else "light") for name in others]
    app.push_screen(ValueScreen("theme", values, app.theme, show), take)


def _choose_pictures(app: PictureApp[Any]) -> None:
    def take(choice: str | None) -> None:
        if choice is not None:
            app.action_show_pictures(cast("Any", choice))
            _with_settings(app).change_setting("pictures", None if choice == "auto" else choice)

    values = [(choice, PICTURE_WORDS[choice]) for choice in PICTURES if choice in ("auto", *app.picture_modes)]
    app.push_screen(ValueScreen("pictures", values, _with_settings(app).settings.pictures), take)


def _choose_folder(app: PictureApp[Any], key: str) -> None:
    usual = "checkpoints" if key == "runs_dir" else "the user's cache"

    def take(path: str | None) -> None:
        if path is not None:
            _with_settings(app).change_setting(key, path or None)

    prompt = PromptScreen(
        f"{_NAMES[key].lower()}: the folder",
        f"a path; empty: {usual}",
        value=getattr(_with_settings(app).settings, key) or "",
        check=lambda text: check_folder("it", text),
        checks_as_one_types=True,
    )
    app.push_screen(prompt, take)


def _describe(app: SettingsApp, theme: str) -> dict[str, str]:
    settings, keys = app.settings, app.chosen_keys
    return {
        "theme": theme,
        "pictures": f"{settings.pictures}: {PICTURE_WORDS[settings.pictures]}",
        "runs_dir": settings.runs_dir,
        "data_root": settings.data_root or "the user's cache",
        "keys": f"{counted(len(keys), 'action')} with other keys" if keys else "as they come",
    }


def _with_settings(app: App[Any]) -> SettingsApp:
    return cast("SettingsApp", app)
