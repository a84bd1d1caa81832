"""How much memory images may take where a container has less than its machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from vae_tui.data import memory


def write_group(folder: Path, names: tuple[str, str, str], limit: object, use: int, given_back: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{use}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {given_back}\n")


@pytest.mark.parametrize(
    ("line", "top", "names"),
    [
        ("0::/job/step", "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:memory:/job/step",
            "sys/fs/cgroup/memory",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
    ids=["second version", "first version"],
)
def test_auto_leaves_half_of_what_the_tightest_group_has_left(
    tmp_path: Path, line: str, top: str, names: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"9:cpuset:/\n{line}\n")
    write_group(tmp_path / top / "job", names, limit=1000, use=800, given_back=300)
    write_group(tmp_path / top / "job/step", names, limit="max", use=800, given_back=300)
    groups = memory._left_to_groups
    monkeypatch.setattr(memory, "_left_to_groups", lambda _: groups(tmp_path))
    assert memory.memory_limit("auto") == 250


def test_without_groups_it_is_the_machines_word(tmp_path: Path) -> None:
    assert min(memory._left_to_groups(tmp_path)) > 1 << 60
    assert memory.memory_limit(0.5) == memory.GIB // 2
