from __future__ import annotations

import io
import json
import os

import pytest

from vae_tui.errors import RecipeError, VaeTuiError
from vae_tui.recipe import parse
from vae_tui.text import SPELLED, is_printable, path_as_text, printable, printable_json, text_as_path

HIDDEN = [
    *map(chr, range(0x20)),
    "\x7f",
    *map(chr, range(0x80, 0xA0)),
    *"\u200b\u200e\u200f\u061c\u2028\u2029\ufeff\u3164",
]
HIDDEN += [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\ud800", "\udce9", "\U000e0041"]


@pytest.mark.parametrize("sign", HIDDEN, ids=ascii)
def test_what_is_no_visible_sign_is_written_out(sign: str) -> None:
    shown = printable(f"a{sign}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert not is_printable(sign)
    assert printable(shown) == shown


@pytest.mark.parametrize(
    "text", ["plain", "Zoë", "日本", "−ELBO · 3 → 4", "👨\u200d👩", "می\u200cخواهم", "a\\b", "[red]x[/]"]
)
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_names_keep_their_bytes_and_show_them() -> None:
    assert printable(os.fsdecode(b"caf\xe9\x1b[31m")) == r"caf\xe9\x1b[31m"
    assert printable(repr(os.fsdecode(b"\xe9"))) == r"'\xe9'"
    assert printable("a\nb\n", lines=True) == "a\nb\n"


def test_json_means_the_same_and_hides_nothing() -> None:
    body = {"a": "-".join(HIDDEN), "b": "Zoë"}
    written = printable_json(json.dumps(body, ensure_ascii=True))
    assert json.loads(written) == body
    raw = printable_json('{"a": "\u202e\x7f\udce9\U000e0041ë"}')
    assert raw == '{"a": "\\u202e\\u007f\\udce9\\udb40\\udc41ë"}'


def test_paths_that_are_no_utf8_go_through_toml_as_uris() -> None:
    path = os.fsdecode(b"/photos/caf\xe9 100%")
    assert path_as_text(path) == "file:///photos/caf%E9%20100%25"
    assert text_as_path(path_as_text(path)) == path
    assert path_as_text("photos/") == text_as_path("photos/") == "photos/"
    recipe, _ = parse({"data": {"name": "folder", "root": path}})
    assert parse({"data": {"name": "folder", "root": recipe.data.root}})[0] == recipe
    recipe.to_toml().encode()


def test_errors_hide_nothing_of_what_they_name() -> None:
    assert str(VaeTuiError("no \x1b[31m\u202e\udce9 here")) == r"no \x1b[31m\u202e\xe9 here"
    assert str(RecipeError("a\nb", ["x\ny", "\x1b"])).splitlines() == [r"a\nb: 2 problems", r"  x\ny", r"  \x1b"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_streams_of_any_encoding_take_everything(encoding: str) -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding, errors=SPELLED)
    stream.write("−ELBO → 3 日 \udce9")
    stream.flush()
    assert buffer.getvalue().decode(encoding) in ("-ELBO > 3 \\u65e5 \\xe9", "−ELBO → 3 日 \\xe9")
