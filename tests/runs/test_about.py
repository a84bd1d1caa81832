"""Tags and notes of a run."""

from __future__ import annotations

import pytest

from vae_tui.errors import RunError
from vae_tui.runs.about import About, change_about, read_about
from vae_tui.runs.layout import Run


def test_tags_and_a_note_stay_with_the_run(run: Run) -> None:
    assert read_about(run) == About()
    change_about(run, add=["paper", "a"], note="sharp\nedges")
    assert change_about(run, add=["b"], remove=["a", "never"]) == About(("b", "paper"), "sharp\nedges")
    assert read_about(Run(run.path)) == About(("b", "paper"), "sharp\nedges")
    assert change_about(run, note="") == About(("b", "paper"))


@pytest.mark.parametrize("tag", ["", "two words", "a/b", "\x1b[31m", "x" * 41, "a,b", "a:b"])
def test_what_is_no_tag_is_refused_and_nothing_changes(run: Run, tag: str) -> None:
    change_about(run, add=["kept"])
    with pytest.raises(RunError, match="cannot be a tag"):
        change_about(run, add=["new", tag])
    assert read_about(run) == About(("kept",))


def test_a_damaged_file_is_not_written_over(run: Run) -> None:
    run.about_path.write_text('{"tags": ["kept"], "note": "precious')
    with pytest.raises(RunError, match=r"about\.json is damaged, .*: mend it, or move it away"):
        change_about(run, add=["new"])
    assert "precious" in run.about_path.read_text()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"tags": 1, "note": []}', '{"tags": ["ok", 2, "\\u001b"]}', "[" * 9999]
)
def test_a_damaged_file_says_what_is_whole_in_it(run: Run, content: str) -> None:
    run.about_path.write_text(content)
    assert read_about(run) == About(("ok",) if "ok" in content else ())
