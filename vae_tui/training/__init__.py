"""Training: the process, the loop, optimizers and checkpoints. Importing this package does not import torch."""
