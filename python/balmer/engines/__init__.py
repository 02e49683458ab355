"""Engines evolve formulas for a Problem; `base` is their contract."""

from balmer.engines.base import Candidate, Engine, Evolution, Progress, pareto
from balmer.engines.finding import Finding
from balmer.engines.problem import Budget, Objective, Problem, SearchSpace

__all__ = [
    "Budget",
    "Candidate",
    "Engine",
    "Evolution",
    "Finding",
    "Objective",
    "Problem",
    "Progress",
    "SearchSpace",
    "pareto",
]
