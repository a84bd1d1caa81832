# make run: install, train the default recipe.  make test: install what tests need, run them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint snapshots reference pretrained clean

run: $(VENV)/installed
	$(BIN)/vae-tui train digits

test: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto

snapshots: $(VENV)/installed-dev  ## accept the screens as they are now
	$(BIN)/pytest tests/tui --snapshot-update

reference: $(VENV)/installed-dev  ## write the recipe reference in the README anew
	{ sed '/<!-- recipe reference/q' README.md; echo; $(BIN)/python -m vae_tui.recipe; \
	  sed -n '/<!-- end of the recipe reference/,$$p' README.md; } > README.new && mv README.new README.md

pretrained: $(VENV)/installed  ## train the model that ships anew, on the embedded digits
	rm -rf build/pretrained
	$(BIN)/vae-tui train digits --device cpu --set train.threads=1 --runs-dir build --run pretrained --ui plain
	$(BIN)/python -m vae_tui.pretrained build/pretrained

clean:
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vae-tui needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed pyproject.toml
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]'
	touch $@
