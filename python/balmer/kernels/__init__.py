"""Compiled numerics on Expressions: evaluate, differentiate, fit constants. Importing this loads numba."""

from balmer.kernels.api import Fit, evaluate, fit, losses
from balmer.kernels.batch import Programs, evaluate_many
from balmer.kernels.fits import fit_many
from balmer.kernels.function_loss import LossFunction
from balmer.kernels.loss import Loss

__all__ = [
    "Fit",
    "Loss",
    "LossFunction",
    "Programs",
    "evaluate",
    "evaluate_many",
    "fit",
    "fit_many",
    "losses",
]
