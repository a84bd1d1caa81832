"""What the README and the pages of docs/ show is so: commands parse, links lead somewhere, examples run, modules exist."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import typer
from conftest import MakeRun, train_events
from PIL import Image

from vae_tui.cli.main import app
from vae_tui.events import KINDS
from vae_tui.recipe import load_recipe, shipped_recipes
from vae_tui.runs.commands import COMMANDS as RUN_COMMANDS
from vae_tui.runs.job import TrainingJob, start_trainer, wait_until_opened
from vae_tui.runs.layout import Run

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "recipes" / "README.md")
}
SMALL = ["train.epochs=2", "train.threads=1", "model.hidden=[16]"]
"""What makes the examples quick."""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def commands(page: str) -> Iterator[list[str]]:
    """The words after `vae-tui`, of every command in a page, wherever it stands."""
    lines = [line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose) if "vae-tui" in span]
    for line in lines:
        for words in split(line):
            if words[0].endswith("vae-tui"):
                yield words[1:]
            elif words[0] == "torchrun":
                module = words.index("vae_tui")
                assert words[module - 1] == "-m"
                yield words[module + 1 :]


def split(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, as a shell has them."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    for is_between, command in groupby(words, lambda word: word in (";", "|", "&&", "do")):
        if not is_between:
            yield list(command)


COMMANDS = sorted({(name, tuple(words)) for name, page in PAGES.items() for words in commands(page) if words})


def test_the_pages_show_commands() -> None:
    assert len(COMMANDS) > 80
    shown = {words[0] for _, words in COMMANDS}
    group = typer.main.get_command(app)
    assert set(group.commands) <= shown, "a command that no page shows"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[" ".join(words) for _, words in COMMANDS])
def test_a_command_parses(page: str, words: tuple[str, ...]) -> None:
    group = typer.main.get_command(app)
    if words[0].startswith("-"):
        assert any(words[0] in parameter.opts for parameter in group.params) or words[0] == "--help"
        return
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    if len(words) > 1:
        command.make_context(words[0], list(words[1:]))


@pytest.mark.parametrize("words", sorted({words for _, words in COMMANDS if words[0] == "train" and len(words) > 1}))
def test_a_training_names_a_recipe_and_keys_that_there_are(words: tuple[str, ...]) -> None:
    group = typer.main.get_command(app)
    given = group.commands["train"].make_context("train", list(words[1:])).params  # type: ignore[attr-defined]
    recipe = given["recipe"] or "digits"
    if recipe in ("mine.toml", "RECIPE", "RUN") or "$" in recipe:
        return
    load_recipe(recipe, given["set_"] or [])


@pytest.mark.parametrize("name", PAGES)
def test_every_link_and_picture_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (ROOT / name).parent / path if path else ROOT / name
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text()), target


def anchors(page: str) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_readme() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{page.name}" in PAGES["README.md"], page.name
    for picture in (ROOT / "docs").glob("*.svg"):
        assert any(f"{picture.name})" in text for text in PAGES.values()), picture.name


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if blocks(page, "python")])
def test_python_compiles(name: str) -> None:
    for block in blocks(PAGES[name], "python"):
        compile(block, name, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "docs/runs.md"])
def test_the_notebook_examples_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = [block for block in blocks(PAGES[name], "python") if "import vae_tui\n" in block]
    program = "\n".join(examples)
    assert '["train.epochs=20"]' in program
    path = tmp_path / "example.py"
    path.write_text(program.replace('["train.epochs=20"]', repr(SMALL)))
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(path))
    assert tuple(found["images"].shape) == (16, 1, 28, 28)
    assert tuple(found["mean"].shape) == tuple(found["log_variance"].shape) == (16, 10)
    assert "completed" in capsys.readouterr().out


@pytest.mark.slow
def test_the_front_end_of_your_own_follows_a_live_run(make_run: MakeRun, tmp_path: Path) -> None:
    (program,) = (block for block in blocks(PAGES["docs/runs.md"], "python") if "RunFeed(" in block)
    assert len([line for line in program.splitlines() if line and "import" not in line]) <= 10
    recipe = make_run(name="template").recipe_path
    trainer = start_trainer(TrainingJob(recipe=str(recipe), runs_dir=tmp_path, name="mine", device="cpu"))
    run = wait_until_opened(trainer).run
    done = subprocess.run([sys.executable, "-c", program, str(run.path)], capture_output=True, text=True, check=True)
    assert trainer.wait() == 0
    *epochs, end = done.stdout.splitlines()
    assert [line.split()[0] for line in epochs] == ["1", "2", "3"]
    assert end == "then completed"


def test_the_example_of_a_recipe_is_valid(tmp_path: Path) -> None:
    example, changes = blocks(PAGES["docs/recipes.md"], "toml")
    path = tmp_path / "mine.toml"
    path.write_text(example + changes)
    recipe = load_recipe(str(path)).recipe
    assert recipe.data.name == "folder"
    assert recipe.at(1200).objective.beta == 4.0


def test_every_recipe_that_ships_is_listed() -> None:
    listed = set(re.findall(r"`([\w/-]+)`", PAGES["docs/recipes.md"].partition("## Recipes that ship")[2]))
    assert set(shipped_recipes()) <= listed


def test_the_architecture_names_every_module_and_no_other() -> None:
    page = PAGES["docs/architecture.md"]
    top = {f"vae_tui/{path.name}/" for path in (ROOT / "vae_tui").iterdir() if (path / "__init__.py").is_file()}
    top |= {f"vae_tui/{path.name}" for path in (ROOT / "vae_tui").glob("*.py")}
    named = set(re.findall(r"`(vae_tui/[^`]*)`", page))
    assert top <= named
    assert [name for name in named if not (ROOT / name).exists()] == []
    picture = (ROOT / "docs" / "house.svg").read_text()
    for name in top - {"vae_tui/__init__.py", "vae_tui/__main__.py"}:
        assert f">{Path(name).stem}</text>" in picture


def test_modules_named_in_prose_exist() -> None:
    for name in ("docs/architecture.md", "CONTRIBUTING.md", "docs/runs.md"):
        for named in re.findall(r"`((?:\w+/)+\w+\.py|(?:vae_tui|tests|benchmarks)/[\w/.-]*)`", PAGES[name]):
            assert (ROOT / named).exists() or (ROOT / "vae_tui" / named).exists(), named


@pytest.mark.slow
def test_a_run_holds_what_the_page_lists(make_run: MakeRun) -> None:
    run: Run = make_run("train.epochs=1")
    list(train_events(run))
    tree = re.search(r"```\n(checkpoints/.*?)```", PAGES["docs/runs.md"], re.DOTALL)
    assert tree is not None
    listed = [line.split()[0].rstrip("/") for line in tree[1].splitlines()[1:]]
    patterns = [re.sub(r"\d{9}", "*", name) for name in listed]
    for path in run.path.iterdir():
        assert any(path.match(pattern) for pattern in patterns), path.name


def test_every_event_is_listed() -> None:
    page = PAGES["docs/runs.md"]
    assert [name for name in KINDS if f"| `{name}`" not in page] == []
    assert [name for name in RUN_COMMANDS if name != "set" and f"`{name}`" not in page] == []


TOUR = [line for line in "".join(blocks(PAGES["docs/walking.md"], "sh")).splitlines() if "docs/tour-" in line]


@pytest.mark.slow
@pytest.mark.parametrize("line", TOUR)
def test_the_tour_s_pictures_are_what_their_commands_draw(line: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    _, *words = shlex.split(line)
    subprocess.run([sys.executable, "-m", "vae_tui", *words], cwd=tmp_path, check=True, capture_output=True)
    (name,) = (word for word in words if word.startswith("docs/"))
    drawn, kept = (np.asarray(Image.open(folder / name).convert("RGB"), float) for folder in (tmp_path, ROOT))
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() < 1


def test_the_tour_has_pictures_that_are_shown() -> None:
    named = {word for line in TOUR for word in line.split() if word.startswith("docs/")}
    assert named == {f"docs/{path.name}" for path in (ROOT / "docs").glob("tour-*.png")}
    assert all(f"]({name.removeprefix('docs/')})" in PAGES["docs/walking.md"] for name in named)
