"""Compiled numerics on Expressions: evaluate, differentiate, fit constants. Importing this loads numba."""

from balmer.kernels.api import Fit, evaluate, fit, losses

__all__ = ["Fit", "evaluate", "fit", "losses"]
