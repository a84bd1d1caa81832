"""The recipe reference of docs/recipes.md, printed by `python -m vae_tui.recipe`."""

from vae_tui.recipe.reference import reference

if __name__ == "__main__":
    print(reference())  # noqa: T201 - this is its output
