"""The arrays that the compiled evolution works on, grouped by what they belong to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.constraints import ConstraintTable
from balmer.kernels.entry import Entry

__all__ = ["Calls", "Formula", "Island", "Library", "Rules", "Scratch"]


class Formula(NamedTuple):
    """A program under construction: the first `n[0]` nodes of three arrays of length L."""

    ops: NDArray[np.int16]
    args: NDArray[np.int16]
    values: NDArray[np.float64]
    n: NDArray[np.int64]


class Calls(NamedTuple):
    """Addresses of compiled functions (`balmer.kernels.pointers`); 0 for those that are not needed."""

    grow: np.uint64
    simplify: np.uint64
    mutate: np.uint64
    units_hold: np.uint64
    repair: np.uint64
    grow_typed: np.uint64
    vary_typed: np.uint64
    minimise: np.uint64
    scan: np.uint64
    fit: np.uint64
    legal: np.uint64
    remember: np.uint64


class Rules(NamedTuple):
    """What a formula may be; the same for all islands and never written to."""

    entry: Entry  # the compiled loops
    calls: Calls
    unary: NDArray[np.int64]  # opcodes, each as often as it is to be drawn
    binary: NDArray[np.int64]
    cost: NDArray[np.int64]  # complexity by opcode, then by feature: (N_OPCODES + n_features,)
    constraints: ConstraintTable
    arity: NDArray[np.int64]  # by opcode
    unit_rule: NDArray[np.int64]  # by opcode
    unit_power: NDArray[np.float64]  # by opcode
    commutative: NDArray[np.bool_]  # by opcode
    allowed: NDArray[np.bool_]  # by opcode
    dimensions: NDArray[np.float64]  # exponents of the features, then of the target: (n_features + 1, n_base)
    unknown: NDArray[
        np.bool_
    ]  # whether that of a feature, then of the target, is not known: (n_features + 1,)
    macro_ops: NDArray[np.int16]  # custom operators, expanded: (n_macros, L)
    macro_args: NDArray[np.int16]
    macro_values: NDArray[np.float64]
    macro_size: NDArray[np.int64]  # (n_macros,)
    macro_arity: NDArray[np.int64]
    mutations: NDArray[np.float64]  # cumulative weights, in the order of `mutate`
    n_unary: int  # how many chosen ones there are
    n_features: int
    min_complexity: int
    max_complexity: int
    max_depth: int
    max_constants: int
    check_units: bool
    pure_constants: bool  # whether free constants have no units
    tournament: int
    crossover: float
    repair: float
    parsimony: float
    fit_steps: int
    floor: float  # a loss below this is as good as zero
    scaled: bool  # whether a factor may stand before a formula
    shifted: bool  # whether a constant may be added to it


class Library(NamedTuple):
    """Small formulas with their values on a few rows, from which `repair` takes what is missing; leading axis N."""

    ops: NDArray[np.int16]  # (N, nodes)
    args: NDArray[np.int16]
    values: NDArray[np.float64]
    size: NDArray[np.int64]  # (N,) number of nodes
    cost: NDArray[np.float32]  # (N,) complexity
    dimensions: NDArray[np.float64]  # (N, n_base) exponents, where units count
    shape: NDArray[np.float32]  # (R, N) values on the rows, over their norm
    sums: NDArray[np.float32]  # (4, N) scratch
    norm: NDArray[np.float64]  # (N,)
    seen: NDArray[np.uint64]  # hash set of the lasting shapes
    filled: NDArray[np.int64]  # how many there are, and how many of these stay for good


class Scratch(NamedTuple):
    """What one worker writes to and forgets."""

    child: Formula
    mate: Formula
    spare: Formula
    whole: Formula
    code: NDArray[np.uint64]
    stack: NDArray[np.int64]
    depends: NDArray[np.bool_]
    theta: NDArray[np.float64]  # (max_constants + 2,)
    scale: NDArray[np.float64]  # (2,) constant and factor of the child at hand
    other: NDArray[np.float64]  # (2,) and those of one of its variants
    wanted: NDArray[
        np.float64
    ]  # (2, R) what a place should give on the rows of the library, and how much that counts
    dimension: NDArray[np.float64]  # (n_base,)
    weighed: NDArray[np.float32]  # (2, R) weights of the rows of the library, and times what is wanted there


class Island(NamedTuple):
    """One population with its memory; leading axis P (population) or H (hall of fame).

    A member f of the population stands for a + b f with the best a and b; the hall of fame holds whole formulas.

    Place c * (K + 1) + k of the hall of fame is the best formula of complexity c with k constants, which makes
    H = (C + 1)(K + 1) places.
    """

    ops: NDArray[np.int16]  # (P, L)
    args: NDArray[np.int16]
    values: NDArray[np.float64]
    size: NDArray[np.int64]  # (P,) number of nodes
    complexity: NDArray[np.int64]
    scale: NDArray[np.float64]  # (P, 2) the constant a and the factor b
    loss: NDArray[np.float64]  # of a + b f on the rows that the evolution sees
    birth: NDArray[np.int64]
    best_ops: NDArray[np.int16]  # (H, L)
    best_args: NDArray[np.int16]
    best_values: NDArray[np.float64]
    best_size: NDArray[np.int64]  # (H,), 0 where there is none
    best_loss: NDArray[np.float64]  # on all rows searched
    best_sample: NDArray[np.float64]  # on those that the evolution sees
    frequency: NDArray[np.float64]  # (C + 1,) how many were born lately at each complexity
    seen: NDArray[np.uint64]  # hash set of the structures tried
    tries: NDArray[np.int64]
    stream: NDArray[np.uint64]  # (4,) random state
    counters: NDArray[np.int64]  # evaluations, node evaluations by row blocks, births
