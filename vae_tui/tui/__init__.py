"""The screens: they read runs and drop commands, and never import torch."""
