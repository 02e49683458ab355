"""The search: what is asked, the strategy, and the laws that come out."""

from balmer.engines.problem import Budget, Objective, Problem, SearchSpace
from balmer.search.discover import Discovery, discover
from balmer.search.front import Front
from balmer.search.law import Constant, Law
from balmer.search.probe import probe
from balmer.search.several import discover_all

__all__ = [
    "Budget",
    "Constant",
    "Discovery",
    "Front",
    "Law",
    "Objective",
    "Problem",
    "SearchSpace",
    "discover",
    "discover_all",
    "probe",
]
