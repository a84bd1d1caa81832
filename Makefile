# make run: install, train the default recipe.  make test: install what tests need, run them.  make fast: the quick ones.
# make chaos: an hour of faults.  make cluster-test: sweeps on a real Slurm.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test fast chaos cluster-test snapshots reference pretrained clean

run: $(VENV)/installed
	$(BIN)/vae-tui train digits

test: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini tests
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto

fast: $(VENV)/installed-dev  ## the tests that take less than a second each, in under a minute
	$(BIN)/pytest -n auto -m "not slow"

chaos: $(VENV)/installed-dev  ## an hour of kills, damage, full disks and nonsense, counted by kind
	rm -rf build/chaos
	VAE_TUI_CHAOS_SECONDS=$${VAE_TUI_CHAOS_SECONDS:-3600} $(BIN)/pytest -n 4 --dist worksteal --timeout 7200 tests/chaos

cluster-test: $(VENV)/installed-dev  ## sweeps on a Slurm of two nodes on this machine; as root, on Debian
	command -v slurmctld >/dev/null || apt-get install -y slurm-wlm munge
	$(BIN)/pytest tests/sweep/test_slurm.py

snapshots: $(VENV)/installed-dev  ## accept the screens as they are now
	$(BIN)/pytest tests/tui --snapshot-update

# $(call rewrite,FILE,MARK,COMMAND): let what COMMAND prints stand between two marks of FILE
rewrite = { sed '/<!-- $(2)/q' $(1); echo; $(3); sed -n '/<!-- end of the $(2)/,$$p' $(1); } > $(1).new && mv $(1).new $(1)

reference: $(VENV)/installed-dev  ## write the recipe reference and the tables of keys in the pages anew
	$(call rewrite,docs/recipes.md,recipe reference,$(BIN)/python -m vae_tui.recipe)
	$(call rewrite,README.md,training keys,$(BIN)/python -m vae_tui.tui training; echo)
	$(call rewrite,docs/home.md,home keys,$(BIN)/python -m vae_tui.tui home; echo)
	$(call rewrite,docs/runs.md,log keys,$(BIN)/python -m vae_tui.tui log; echo)
	$(call rewrite,docs/runs.md,tile keys,$(BIN)/python -m vae_tui.tui tile; echo)
	$(call rewrite,docs/home.md,overlay keys,$(BIN)/python -m vae_tui.tui overlay; echo)
	$(call rewrite,docs/sweeps.md,sweep keys,$(BIN)/python -m vae_tui.tui sweep; echo)
	$(call rewrite,docs/sweeps.md,sweep samples keys,$(BIN)/python -m vae_tui.tui 'sweep samples'; echo)
	$(call rewrite,docs/walking.md,walk keys,$(BIN)/python -m vae_tui.tui walk; echo)
	$(call rewrite,docs/walking.md,edit keys,$(BIN)/python -m vae_tui.tui edit; echo)

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
