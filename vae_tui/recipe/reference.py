"""The recipe reference as Markdown, made from the fields' descriptions."""

from __future__ import annotations

from typing import Any

import tomli_w

from vae_tui.recipe.reading import choices
from vae_tui.recipe.tables import TABLES


def reference() -> str:
    """The recipe reference as Markdown, made from the fields' descriptions."""
    lines: list[str] = []
    for name, kind in TABLES.items():
        lines += [f"### `[{name}]`", "", str(kind.__doc__), "", "| key | default | meaning |", "| --- | --- | --- |"]
        for key, field in kind.model_fields.items():
            default = "" if field.default is None else tomli_w.dumps({"k": field.default})[4:].strip()
            default = " ".join(default.split()).replace("[ ", "[").replace(", ]", "]")
            lines.append(f"| `{key}` | {f'`{default}`' if default else ''} | {_meaning(field)} |")
        lines.append("")
    return "\n".join(lines)


def _meaning(field: Any) -> str:
    extra = field.json_schema_extra or {}
    only = "; ".join(f"{selector} {' '.join(values)}" for selector, values in extra.get("only", {}).items())
    values = [f"`{value}`" for value in choices(field.annotation)]
    parts = [f"{field.description}", f"one of {', '.join(values)}" if len(values) > 1 else ""]
    text = "; ".join(part for part in parts if part)
    return f"{text} *({only} only)*" if only else text
