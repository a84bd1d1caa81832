"""Train, watch, steer and walk variational autoencoders without leaving the terminal."""

__version__ = "0.1.0"
