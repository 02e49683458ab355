"""Compiled numerics on Expressions: evaluate, differentiate, fit constants. Importing this loads numba."""

from balmer.kernels.api import Fit, evaluate, fit, losses
from balmer.kernels.batch import Programs, evaluate_many
from balmer.kernels.fits import fit_many

__all__ = ["Fit", "Programs", "evaluate", "evaluate_many", "fit", "fit_many", "losses"]
