"""Slices changed on their way to a network: moved, varied, lesions painted in."""
