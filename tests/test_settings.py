"""The file of settings: what is right in it holds, what is wrong is said, and nothing of it is lost by a change."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.settings import Settings, change_setting, describe_problems, read_settings, settings_path

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def path() -> Path:
    settings_path().parent.mkdir(parents=True)
    return settings_path()


def test_without_a_file_the_defaults_hold() -> None:
    assert read_settings(settings_path()) == (Settings(), ())


def test_what_stands_in_the_file_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    path.write_text(
        'theme = "nord"\npictures = "ascii"\nruns_dir = "~/runs"\ndata_root = "/data"\n'
        '[keys]\nsave-a-checkpoint = "f5"\nhelp = ["h", "f1"]\n'
    )
    settings, problems = read_settings(path)
    assert problems == ()
    assert settings == Settings(
        "nord", "ascii", "/home/ada/runs", "/data", {"save-a-checkpoint": ("f5",), "help": ("h", "f1")}
    )


def test_every_problem_is_said_at_once_and_what_is_right_holds(path: Path) -> None:
    path.write_text(
        'theem = "nord"\npictures = "sixels"\nruns_dir = 3\ndata_root = ""\ntheme = "nord"\n'
        '[keys]\nhelp = 3\nsample = []\nquit = "Q"\n'
    )
    settings, problems = read_settings(path)
    assert settings == Settings(theme="nord", keys={"quit": ("Q",)})
    assert len(problems) == 6
    message = describe_problems(path, problems)
    assert message.startswith(f"{path}: 6 problems; what is wrong is left out")
    for said in ("theem: no such setting; did you mean theme?", "got 'sixels'; did you mean sixel?", "[keys] help:"):
        assert said in message


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"theme = \xff", "is not UTF-8"), (b"theme = ", "is not TOML"), (b"keys = 3", "expected a table, [keys]")],
)
def test_a_file_that_is_none_of_ours_is_said_to_be(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    settings, problems = read_settings(path)
    assert settings == Settings()
    assert len(problems) == 1
    assert said in problems[0]


def test_a_file_that_cannot_be_read_is_said_to_be(path: Path) -> None:
    path.mkdir()
    settings, problems = read_settings(path)
    assert settings == Settings()
    assert problems == ("cannot be read: it is a folder, expected a file",)


def test_a_change_is_one_value_and_all_else_stays(path: Path) -> None:
    path.write_text('# mine\ntheme = "nord"  # dark\nunknown = 3\n\n[keys]\nhelp = "h"\n')
    assert change_setting(path, "pictures", "half") is None
    assert path.read_text() == (
        '# mine\ntheme = "nord"  # dark\nunknown = 3\npictures = "half"\n\n[keys]\nhelp = "h"\n'
    )
    change_setting(path, "theme", "dracula")
    assert path.read_text().startswith('# mine\ntheme = "dracula"\nunknown = 3\n')
    change_setting(path, "theme", None)
    change_setting(path, "keys", {"quit": ("Q", "f10")})
    assert path.read_text().startswith("# mine\nunknown = 3\n")
    assert tomllib.loads(path.read_text())["keys"] == {"quit": ["Q", "f10"]}
    change_setting(path, "keys", {})
    assert tomllib.loads(path.read_text()) == {"unknown": 3, "pictures": "half"}


def test_a_value_that_is_no_line_of_its_own_is_changed_too(path: Path) -> None:
    path.write_text('"theme" = """\nnord"""\nkeys = { help = "h" }\n')
    change_setting(path, "theme", "dracula")
    assert tomllib.loads(path.read_text()) == {"theme": "dracula", "keys": {"help": "h"}}


def test_a_folder_and_a_file_are_made_where_there_is_none() -> None:
    change_setting(settings_path(), "theme", "nord")
    assert settings_path().read_text() == 'theme = "nord"\n'


def test_a_broken_file_is_kept_under_another_name(path: Path) -> None:
    for number in (1, 2):
        path.write_text("theme = ")
        kept = change_setting(path, "theme", "nord")
        assert kept == path.with_name(f"settings.toml.broken-{number}")
        assert kept.read_text() == "theme = "
        assert path.read_text() == 'theme = "nord"\n'


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "dots.toml").write_text("")
    path.symlink_to(tmp_path / "dots.toml")
    change_setting(path, "theme", "nord")
    assert path.is_symlink()
    assert (tmp_path / "dots.toml").read_text() == 'theme = "nord"\n'


def test_a_file_that_cannot_be_written_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(VaeTuiError, match=r"settings\.toml cannot be written"):
        change_setting(path, "theme", "nord")


def test_the_file_in_the_documentation_is_right(path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    path.write_text(page.partition("```toml\n")[2].partition("```")[0])
    settings, problems = read_settings(path)
    assert problems == ()
    from vae_tui.tui.chosen_keys import check_keys

    assert check_keys(settings.keys) == (settings.keys, [])


# On the command line


def test_commands_take_their_folder_from_the_settings(
    path: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(f'runs_dir = "{tmp_path}/of-settings"\n')
    assert f"no run under {tmp_path}/of-settings yet" in cli("runs").stderr
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", "of-environment")
    assert "no run under of-environment yet" in cli("runs").stderr
    assert "no run under of-option yet" in cli("runs", "--runs-dir", "of-option").stderr


def test_what_is_wrong_is_one_note_and_commands_go_on(path: Path, cli: Cli) -> None:
    path.write_text("runs_dir = ")
    done = cli("runs")
    assert done.returncode == 0
    assert done.stderr.startswith(f"note: {path}: is not TOML")
    assert "no run under checkpoints yet" in done.stderr
    assert path.read_text() == "runs_dir = "


def test_without_a_home_there_are_no_settings_and_no_complaints(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = cli("runs")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no run under checkpoints yet\n"


def test_every_command_with_such_an_option_has_its_default_from_the_settings() -> None:
    import typer

    from vae_tui.cli.main import app, default_values

    group = typer.main.get_command(app)
    found = default_values(group, Settings(pictures="half", runs_dir="R", data_root="D"))
    values = {"--runs-dir": "R", "--data-root": "D", "--images": "half"}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        expected = {
            parameter.name: values[opt] for parameter in command.params for opt in parameter.opts if opt in values
        }
        assert found[name] == expected, name
    assert found["runs_dir"] == "R"
    assert found["train"] == {"runs_dir": "R", "data_root": "D", "images": "half"}


def test_reading_settings_imports_neither_pydantic_nor_textual() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, vae_tui.settings; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"pydantic", "textual", "torch", "numpy"} & set(done.stdout.split())
