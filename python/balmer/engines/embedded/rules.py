"""The SearchSpace and Objective of a Problem, lowered to the arrays of `Rules`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from balmer.engines.embedded.constraints import constraint_table
from balmer.engines.embedded.mutate import MUTATIONS, mutate
from balmer.engines.embedded.simplify import simplify
from balmer.engines.embedded.trees import grow
from balmer.engines.embedded.types import Calls, Formula, Rules
from balmer.engines.embedded.units import units_hold
from balmer.engines.problem import Problem
from balmer.expressions.operators import N_OPCODES, OPERATORS
from balmer.kernels.entry import Entry, entry
from balmer.kernels.pointers import address_of
from balmer.kernels.scan import scan
from balmer.units import BASE, Dimension

__all__ = ["rules_for", "without_data"]

_OFTEN = 4  # times as a safe form an operator is drawn: laws with these are rare


def rules_for(
    problem: Problem,
    *,
    tournament: int,
    crossover: float,
    repair: float,
    parsimony: float,
    fit_steps: int,
    floor: float | None = None,
    loops: Entry | None = None,
    compiled: bool = True,
) -> Rules:
    """Everything the compiled evolution must know of a problem but its data.

    `loops` are the compiled loops, those of `entry` if None. Rules that are not `compiled` lack the functions that need
    no table too, until `balmer.engines.embedded.island.linked` adds them with all others.
    """
    space = problem.space
    chosen = [OPERATORS[name] for name in space.operators]
    safe = [OPERATORS[name].code for name in sorted(space.safe_forms)]
    arity, unit_rule = np.zeros(N_OPCODES, np.int64), np.zeros(N_OPCODES, np.int64)
    unit_power = np.ones(N_OPCODES)
    commutative, allowed = np.zeros(N_OPCODES, np.bool_), np.zeros(N_OPCODES, np.bool_)
    for op in OPERATORS.values():
        arity[op.code], unit_rule[op.code], unit_power[op.code] = op.arity, int(op.unit_rule), float(op.power)
        commutative[op.code] = op.commutative
        allowed[op.code] = op.name in space.allowed
    customs = [custom for custom in space.custom_operators if len(custom.body) <= space.max_complexity]
    bodies = [custom.body for custom in customs]
    L = space.max_complexity
    macros = np.zeros((len(bodies), L))
    macro_ops, macro_args, macro_values = macros.astype(np.int16), macros.astype(np.int16), macros
    for k, body in enumerate(bodies):
        macro_ops[k, : len(body)], macro_args[k, : len(body)] = body.ops, body.args
        macro_values[k, : len(body)] = body.values
    rules = Rules(
        entry=loops or entry(),
        calls=Calls(*np.zeros(len(Calls._fields), np.uint64)),
        unary=np.array(_OFTEN * [op.code for op in chosen if op.arity == 1] + safe, np.int64),
        binary=np.array([op.code for op in chosen if op.arity == 2], np.int64),
        cost=space.complexity.table(problem.dataset.n_features),
        constraints=constraint_table(space),
        arity=arity,
        unit_rule=unit_rule,
        unit_power=unit_power,
        commutative=commutative,
        allowed=allowed,
        dimensions=_dimensions(problem),
        unknown=np.array([problem.check_units and d is None for d in problem.known_dimensions]),
        macro_ops=macro_ops,
        macro_args=macro_args,
        macro_values=macro_values,
        macro_size=np.array([len(body) for body in bodies], np.int64),
        macro_arity=np.array([custom.arity for custom in customs], np.int64),
        mutations=np.cumsum(list(MUTATIONS.values())),
        n_unary=sum(op.arity == 1 for op in chosen),
        n_features=problem.dataset.n_features,
        min_complexity=space.min_complexity,
        max_complexity=space.max_complexity,
        max_depth=space.max_depth,
        max_constants=space.max_constants,
        check_units=problem.check_units,
        pure_constants=problem.objective.constants == "dimensionless",
        tournament=tournament,
        crossover=crossover,
        repair=repair,
        parsimony=parsimony,
        fit_steps=fit_steps,
        floor=problem.noise_floor if floor is None else floor,
        scaled="mul" in space.allowed and space.max_constants > 0,
        shifted="add" in space.allowed and space.max_constants > 0,
    )
    return rules._replace(calls=_calls(rules)) if compiled else rules


def _calls(rules: Rules) -> Calls:
    f = Formula(np.zeros(1, np.int16), np.zeros(1, np.int16), np.zeros(1), np.zeros(1, np.int64))
    stream, stack = np.zeros(4, np.uint64), np.zeros(1, np.int64)
    functions = without_data(rules, f, stream, stack)
    return rules.calls._replace(**{name: address_of(*call) for name, call in functions.items()})


def without_data(
    rules: Rules, f: Formula, stream: NDArray[np.uint64], stack: NDArray[np.int64]
) -> dict[str, tuple[Any, ...]]:
    """What needs no table of data, by its name in Calls: each with arguments of the types that it is called with."""
    columns, column, one = np.zeros((1, 1), np.float32), np.zeros(1, np.float32), np.int64(1)
    return {
        "grow": (grow, f, np.int64(1), rules, stream),
        "mutate": (mutate, f, f, rules, stream),
        "simplify": (simplify, f, f, rules, stack),
        "units_hold": (units_hold, f, rules),
        "scan": (scan, columns, column, one, one, column, column, np.float32(1.0), columns),
    }


def _dimensions(problem: Problem) -> NDArray[np.float64]:
    if not problem.check_units:
        return np.zeros((problem.dataset.n_features + 1, 1))
    known = [Dimension() if d is None else d for d in problem.known_dimensions]
    table = np.array([[float(e) for e in d.exponents] for d in known])
    assert table.shape[1] >= len(BASE)
    occurs = np.any(table != 0.0, axis=0)
    return np.ascontiguousarray(table[:, occurs]) if occurs.any() else np.zeros((len(table), 1))
