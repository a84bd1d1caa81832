"""Classes as a user names them."""

from __future__ import annotations

from collections.abc import Sequence

from vae_tui.errors import DataError


def find_class(wanted: str, class_names: Sequence[str]) -> int:
    """The index of the class called so: by name, by the beginning of a name that fits one alone, or by its index.

    Raises DataError with the classes there are.
    """
    if not class_names:
        raise DataError(f"class {wanted!r}: these images have no classes; give an index, such as 12")
    if wanted in class_names:
        return class_names.index(wanted)
    folded = wanted.casefold()
    fitting = [index for index, name in enumerate(class_names) if name.casefold() == folded]
    fitting = fitting or [index for index, name in enumerate(class_names) if name.casefold().startswith(folded)]
    if len(fitting) == 1 and wanted:
        return fitting[0]
    # Where names are numbers themselves, a number that is no name is a mistake and not an index.
    names_are_numbers = any(name.isdecimal() for name in class_names)
    if wanted.isdecimal() and not names_are_numbers and int(wanted) < len(class_names):
        return int(wanted)
    if fitting and wanted:
        listed = ", ".join(class_names[index] for index in fitting)
        raise DataError(f"class {wanted!r} fits several: {listed}; give more of the name")
    listed = ", ".join(class_names[:20]) + (f" and {len(class_names) - 20} more" if len(class_names) > 20 else "")
    raise DataError(f"there is no class {wanted!r}; there are {listed}")


def split_next(text: str) -> str | None:
    """The class whose next image is named, as in next:4; None where something else is."""
    kind, colon, wanted = (part.strip() for part in text.partition(":"))
    return wanted if colon and kind == "next" else None
