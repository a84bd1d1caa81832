"""Whole screens and the questions over them."""
