"""The command line: one module a family of commands.

    main       the program: every command, registered     exits      errors into messages and exit codes
    options    options that several commands share        train      train
    runs       watch, runs, compare                        walk       walk
    steer      stop, pause, unpause, save, set               tidy       tag, rename, delete, prune
    pictures   sample, reconstruct, interpolate, ...       evaluate   evaluate
    export     export                                    serve      serve
    tools      check, doctor

Imports are deferred into the commands, so that each pays only for what it uses.
"""

from vae_tui.cli.main import main

__all__ = ["main"]
