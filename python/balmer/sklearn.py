"""SymbolicRegressor: the search as a scikit-learn estimator, under PySR's names for what means the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from balmer.data import Dataset
from balmer.engines import Budget, Engine, Objective, Problem, Progress, SearchSpace
from balmer.engines.base import OnProgress, State
from balmer.errors import ConfigError, DataError
from balmer.expressions import CustomOperator, Expression, constant
from balmer.expressions.pysr import PYSR_NAMES, pysr_operator
from balmer.search import Discovery, Front, Law, discover
from balmer.search.law import Constant
from balmer.search.selection import Score

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SymbolicRegressor"]

_FEWEST_ROWS = 4
_CRITERIA: dict[str, Callable[[Law], float]] = {
    "best": lambda law: law.score.description_length,
    "accuracy": lambda law: law.loss,
    "bic": lambda law: law.score.bic,
}
_OURS = {  # what Balmer calls the parameters, for its messages
    "min_complexity": "minsize",
    "max_complexity": "maxsize",
    "argument_constraints": "constraints",
    "max_depth": "maxdepth",
    "seconds": "timeout_in_seconds",
    "evaluations": "max_evals",
    "target_loss": "early_stop_condition",
}
_SIZES = {  # and what the embedded engine calls these
    "populations": "islands",
    "population_size": "population",
    "tournament_selection_n": "tournament",
    "procs": "threads",
}
_PYSR_BINARY = ("+", "-", "*", "/")

S = TypeVar("S", SearchSpace, Objective, Budget)
T = TypeVar("T")
Floats = NDArray[np.float64]
Words = Sequence[str | CustomOperator]


class SymbolicRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Finds formulas for the target; predicts with the one that `model_selection` chooses.

    Parameters have PySR's names where they mean the same. None stands for Balmer's own default.

    Parameters
    ----------
    model_selection : {"best", "accuracy", "bic"}, default="best"
        The law of the front that predicts: of the smallest description length, loss, or BIC.
    operators : str, sequence, or dict of int to sequence, default=None
        Operators of any arity, as in ``"+ - * / sqrt"`` or ``["+", "gauss(x) = exp(-x^2)"]``, or by arity as in PySR,
        ``{1: ["cos"], 2: ["+"]}``. Not together with the next two. None: ``+ - * / pow square sqrt exp log sin cos``.
    binary_operators, unary_operators : sequence of str, default=None
        Operators by arity: names, symbols, or definitions such as ``"inv(x) = 1/x"``. Where only one of the two is
        given, the other is as in PySR: ``+ - * /``, and no unary operator.
    maxsize : int, default=30
        The largest complexity.
    minsize : int, default=None
        The smallest complexity of a law. None: 1.
    maxdepth : int, default=None
        The most nodes on the way from root to leaf. None: 12.
    constraints : dict of str to int or tuple of int, default=None
        By operator, the largest complexity of its argument, or of each argument, -1 where there is no limit:
        ``{"sin": 5, "pow": (-1, 3)}``.
    nested_constraints : dict of str to dict of str to int, default=None
        By outer and inner operator, how often the inner one may occur on the way down from the outer:
        ``{"sin": {"sin": 0, "cos": 0}}``.
    complexity_of_operators : dict of str to int, default=None
        Complexity of each use of an operator. What is left out costs 1.
    complexity_of_constants : int, default=None
        Complexity of a fitted constant. None: 2.
    complexity_of_variables : int, sequence of int, or dict of str to int, default=None
        Complexity of a variable, of each in the order of the features, or by name. None: 1.
    loss : str or callable, default="squared"
        What is small for a good law: ``"squared"``, ``"absolute"``, ``"huber"``, ``"log-cosh"``, a formula such as
        ``"(prediction - target)**2/(1 + abs(target))"``, or a function ``f(prediction, target, weights) -> float``; see
        `balmer.Objective`. Not PySR's `elementwise_loss` and `loss_function`, which are Julia code.
    delta : float, default=1.0
        Residual at which huber and log-cosh turn from squares to absolute values.
    max_evals : int, default=50000
        Budget in evaluations of a formula, for each target and call of `fit`: the same work, and with one seed the
        same result, on any machine and number of threads. None: no such limit.
    timeout_in_seconds : float or str, default=None
        Budget in seconds, or as text ("90s", "10m"). None: no such limit, unless `max_evals` is None too: then 60 s.
    early_stop_condition : float, default=None
        End the search at a formula with a loss of at most this.
    patience : int, default=None
        End the search when the laws have not improved for that many evaluations. None: go on.
    precision : {32, 64}, default=None
        Bits of the numbers while searching; the laws are fitted and judged in 64. None: 64.
    populations, population_size, tournament_selection_n : int, default=None
        How many populations evolve, of how many formulas, and how many of these compete to become a parent.
        None: 16, 64, 5. Only of the embedded engine.
    guesses : sequence of str or Expression, default=None
        Formulas to begin with, in terms of the features; for several targets a list of these for each.
    warm_start : bool, default=False
        Go on from what the last call of `fit` found: on the same data from its very populations, on other rows of
        the same columns from its formulas.
    random_state : int, RandomState instance or None, default=None
        Where the seed of the search comes from.
    procs : int, default=None
        Threads of the search. None: every core.
    engine : str or Engine, default="auto"
        ``"auto"``, ``"embedded"``, ``"julia"``, or an engine of your own making. ``"auto"`` is Julia where that is set
        up (``balmer julia install``) and no size of a population is given, else the embedded engine.
    verbosity : int, default=0
        1 prints the front when it is found.
    progress : bool or callable, default=False
        Show a progress bar; or call this with a `balmer.engines.Progress` twice a second, and end the search when it
        returns True.

    Attributes
    ----------
    front_ : Front, or list of Front for several targets
        The laws.
    equations_ : pandas.DataFrame, or list of them
        The laws as a table; ``chosen`` marks the one that predicts.
    discovery_ : Discovery or None, or list of these
        Front, problem and provenance; None where a constant target left nothing to search. Its ``state`` is kept
        only with `warm_start`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of `X`, where it had names.

    Notes
    -----
    A `sample_weight` says how much a row is trusted, relative to the others: a row of weight zero is left out, a weight
    of 2 is that row twice, and weights times a number change nothing. The criteria count distinct rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(1, 5, (40, 2))
    >>> model = SymbolicRegressor(binary_operators=["+", "*"], random_state=0).fit(X, X[:, 0] * X[:, 1] + 2)
    >>> model.sympy()
    x0*x1 + 2
    """

    front_: Front | list[Front]
    discovery_: Discovery | list[Discovery | None] | None

    def __init__(
        self,
        model_selection: str = "best",
        *,
        operators: str | Words | Mapping[int, str | Words] | None = None,
        binary_operators: str | Words | None = None,
        unary_operators: str | Words | None = None,
        maxsize: int = 30,
        minsize: int | None = None,
        maxdepth: int | None = None,
        constraints: Mapping[str, int | Sequence[int]] | None = None,
        nested_constraints: Mapping[str, Mapping[str, int]] | None = None,
        complexity_of_operators: Mapping[str, int] | None = None,
        complexity_of_constants: int | None = None,
        complexity_of_variables: int | Sequence[int] | Mapping[str, int] | None = None,
        loss: str | Callable[[Floats, Floats, Floats], float] = "squared",
        delta: float = 1.0,
        max_evals: int | None = 50_000,
        timeout_in_seconds: float | str | None = None,
        early_stop_condition: float | None = None,
        patience: int | None = None,
        precision: int | None = None,
        populations: int | None = None,
        population_size: int | None = None,
        tournament_selection_n: int | None = None,
        guesses: Sequence[Any] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        procs: int | None = None,
        engine: str | Engine = "auto",
        verbosity: int = 0,
        progress: bool | OnProgress = False,
    ) -> None:
        self.model_selection = model_selection
        self.operators = operators
        self.binary_operators = binary_operators
        self.unary_operators = unary_operators
        self.maxsize = maxsize
        self.minsize = minsize
        self.maxdepth = maxdepth
        self.constraints = constraints
        self.nested_constraints = nested_constraints
        self.complexity_of_operators = complexity_of_operators
        self.complexity_of_constants = complexity_of_constants
        self.complexity_of_variables = complexity_of_variables
        self.loss = loss
        self.delta = delta
        self.max_evals = max_evals
        self.timeout_in_seconds = timeout_in_seconds
        self.early_stop_condition = early_stop_condition
        self.patience = patience
        self.precision = precision
        self.populations = populations
        self.population_size = population_size
        self.tournament_selection_n = tournament_selection_n
        self.guesses = guesses
        self.warm_start = warm_start
        self.random_state = random_state
        self.procs = procs
        self.engine = engine
        self.verbosity = verbosity
        self.progress = progress

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike | pd.Series | pd.DataFrame,
        sample_weight: ArrayLike | None = None,
        *,
        X_units: Sequence[str] | None = None,
        y_units: str | Sequence[str] | None = None,
        variable_names: Sequence[str] | None = None,
    ) -> Self:
        """Search for laws.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_features)
            The features.
        y : array, Series or DataFrame of shape (n_samples,) or (n_samples, n_targets)
            The target; several are searched one after the other.
        sample_weight : array of shape (n_samples,), optional
            How much each row is trusted.
        X_units, y_units : sequence of str; str, or sequence of str for several targets; optional
            Units of all columns, ``"1"`` for a number; only laws that hold dimensionally are then found.
        variable_names : sequence of str, optional
            Names of the features in the formulas, in place of those of a DataFrame or ``x0``, ``x1``, ...

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the arrays cannot be used (DataError, UnitError), or a parameter is not accepted (ConfigError).
        EngineError
            If no formula of the search space is defined in every row, or the engine is missing.
        """
        given = y
        limits: dict[str, Any] = {"multi_output": True, "y_numeric": True, "ensure_min_samples": _FEWEST_ROWS}
        checked: Any = validate_data(self, X, y, dtype=np.float64, **limits)
        rows, targets, weights = _counting_rows(checked[0], checked[1], sample_weight)
        if variable_names is None:
            variable_names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(rows.shape[1])])
        features = [str(name) for name in variable_names]
        names = _target_names(given, len(targets), features)
        units = _units(X_units, y_units, features, names)
        objective = _read(
            Objective,
            {"units": "forbid" if units else "ignore", "loss": self.loss, "delta": self.delta},
        )
        space, engine = self._space(), self._engine()
        limits = {"seconds": self.timeout_in_seconds, "evaluations": self.max_evals}
        limits |= {"target_loss": self.early_stop_condition, "patience": self.patience}
        budget = _read(Budget, limits)
        _criterion(self.model_selection)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

        found: list[tuple[Discovery | None, Front]] = []
        earlier, guesses = self._earlier(len(targets)), _guesses(self.guesses, len(targets))
        for values, name, start, before in zip(targets, names, guesses, earlier, strict=True):
            columns: dict[str, Any] = {"names": features, "target": name, "weights": weights}
            columns["units"] = units and {column: units[column] for column in (*features, name)}
            if len(values) >= _FEWEST_ROWS and np.all(values == values[0]):
                # A Dataset refuses a constant target, for there is no law to find in it. An estimator meets one by
                # chance, in a fold or a bootstrap sample, and like scikit-learn's own it predicts that constant.
                stand_in = Dataset.from_arrays(rows, np.arange(len(values)), **columns)
                stand_in_space = space.of_features(features)
                found.append((None, _constant_front(float(values[0]), stand_in, stand_in_space)))
                continue
            problem = Problem(Dataset.from_arrays(rows, values, **columns), space, objective)
            state, formulas = _continue(before, problem)
            with _watched(self.progress) as on_progress:
                discovery = discover(
                    problem,
                    time=budget.seconds,
                    evaluations=budget.evaluations,
                    target_loss=budget.target_loss,
                    patience=budget.patience,
                    seed=seed,
                    threads=self.procs if engine is self.engine else None,
                    engine=engine,
                    precision=self._precision() if engine is self.engine else None,
                    start=[*start, *formulas],
                    state=state,
                    on_progress=on_progress,
                )
            _ = discovery.best  # which says why, where nothing was found
            found.append((discovery if self.warm_start else replace(discovery, state={}), discovery.front))
        several = len(found) > 1
        self.discovery_ = [d for d, _ in found] if several else found[0][0]
        self.front_ = [front for _, front in found] if several else found[0][1]
        self._grown_by = self._evolution()
        if self.verbosity > 0:
            print("\n".join(repr(front) for _, front in found))
        return self

    def predict(
        self, X: ArrayLike | pd.DataFrame, index: int | Sequence[int] | None = None
    ) -> NDArray[np.float64]:
        """Values of the chosen law, or of the one in row `index` of `equations_` (a list for several targets).

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            NaN where a law has no real value.
        """
        laws = self.law(index)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        if isinstance(laws, list):
            return np.column_stack([law.predict(X) for law in laws])
        return laws.predict(X)

    def law(self, index: int | Sequence[int] | None = None) -> Law | list[Law]:
        """The chosen law, or the one in row `index` of `equations_`, with errors and units of its constants."""
        return self._pick(lambda front, i: front[i], index)

    def get_best(self, index: int | Sequence[int] | None = None) -> pd.Series | list[pd.Series]:
        """The row of `equations_` of the chosen law, or the row `index`."""
        return self._pick(lambda front, i: self._table(front).iloc[i], index)

    def sympy(self, index: int | Sequence[int] | None = None) -> Any:
        """The formula as a sympy expression, whose plain symbols bear the names of the features."""
        return self._pick(lambda front, i: front[i].sympy(), index)

    def latex(
        self, index: int | Sequence[int] | None = None, precision: int | None = None
    ) -> str | list[str]:
        """The formula in LaTeX, with so many significant digits; by default as many as the errors leave."""

        def formula(front: Front, i: int) -> str:
            law = front[i]
            return law.expression.latex(law.names, law.shown_digits if precision is None else precision)

        return self._pick(formula, index)

    @property
    def equations_(self) -> pd.DataFrame | list[pd.DataFrame]:
        """The laws as a table, or a list of tables for several targets."""
        if not hasattr(self, "front_"):
            raise AttributeError("equations_ are there after fit")
        fronts = self.front_
        return [self._table(f) for f in fronts] if isinstance(fronts, list) else self._table(fronts)

    def _table(self, front: Front) -> pd.DataFrame:
        return front.to_pandas().assign(chosen=np.arange(len(front)) == self._chosen(front))

    def _chosen(self, front: Front) -> int:
        criterion = _criterion(self.model_selection)
        return min(range(len(front)), key=lambda i: criterion(front[i]))

    def _pick(self, take: Callable[[Front, int], T], index: int | Sequence[int] | None) -> T | list[T]:
        check_is_fitted(self, "front_")
        if not isinstance(self.front_, list):
            if isinstance(index, Sequence):
                raise ConfigError(f"index = {index!r}: there is one target, and one row number is accepted")
            return take(self.front_, self._chosen(self.front_) if index is None else index)
        places = [self._chosen(front) for front in self.front_] if index is None else index
        if not isinstance(places, Sequence) or len(places) != len(self.front_):
            raise ConfigError(f"index = {index!r}: accepted is a list of {len(self.front_)}, one per target")
        return [take(front, place) for front, place in zip(self.front_, places, strict=True)]

    def _space(self) -> SearchSpace:
        options: dict[str, Any] = {
            "min_complexity": self.minsize,
            "max_complexity": self.maxsize,
            "max_depth": self.maxdepth,
            "argument_constraints": _by_name(self.constraints),
            "complexity_of_constants": self.complexity_of_constants,
            "complexity_of_variables": self.complexity_of_variables,
        }
        options["complexity_of_operators"] = _by_name(self.complexity_of_operators)
        nested = _by_name(self.nested_constraints)
        if isinstance(nested, Mapping):
            nested = {outer: _by_name(inner) for outer, inner in nested.items()}
        options["nested_constraints"] = nested
        operators = self._operators()
        if operators is not None:
            options["operators"] = [found for found in operators if isinstance(found, str)]
            options["custom_operators"] = [found for found in operators if not isinstance(found, str)]
        return _read(SearchSpace, options)

    def _operators(self) -> list[str | CustomOperator] | None:
        binary, unary, operators = self.binary_operators, self.unary_operators, self.operators
        given: list[tuple[str, int | None, str | Words]]
        if operators is None:
            if binary is None and unary is None:
                return None
            given = [("binary_operators", 2, _PYSR_BINARY if binary is None else binary)]
            given.append(("unary_operators", 1, unary or ()))
        elif binary is not None or unary is not None:
            raise ConfigError(
                "operators are given twice: as operators and as binary_operators or unary_operators"
            )
        elif isinstance(operators, Mapping):
            given = [(f"operators[{arity}]", arity, words) for arity, words in operators.items()]
        else:
            given = [("operators", None, operators)]
        read = ((word, option, arity) for option, arity, words in given for word in _words(words, option))
        return [pysr_operator(*each) for each in read]

    def _evolution(self) -> tuple[Any, ...]:
        return (
            self.engine,
            self.populations,
            self.population_size,
            self.tournament_selection_n,
            self.precision,
        )

    def _precision(self) -> str | None:
        if self.precision is None:
            return None
        if self.precision not in (32, 64):
            raise ConfigError(f"precision = {self.precision!r}: accepted are 32 and 64")
        return f"float{self.precision}"

    def _engine(self) -> str | Engine:
        """The engine, with the sizes of its populations where they are given."""
        sizes: dict[str, Any] = {}
        for option, ours in _SIZES.items():
            value = getattr(self, option)
            if value is not None and (not isinstance(value, int | np.integer) or value < 1):
                raise ConfigError(f"{option} = {value!r}: a whole number from 1 is accepted")
            if value is not None:
                sizes[ours] = int(value)
        if not sizes.keys() - {"threads"}:
            return self.engine
        if self.engine not in ("auto", "embedded"):
            first = next(option for option, ours in _SIZES.items() if ours in sizes)
            raise ConfigError(f"{first} belongs to the embedded engine, and engine = {self.engine!r}")
        from balmer.engines.embedded import EmbeddedEngine

        return EmbeddedEngine(**sizes, precision=self._precision() or "float64")

    def _earlier(self, n_targets: int) -> list[Discovery | None]:
        """What an earlier `fit` found for each target, if this one is to go on from there."""
        last = getattr(self, "discovery_", None) if self.warm_start else None
        earlier = last if isinstance(last, list) else [last]
        if len(earlier) != n_targets:
            return [None] * n_targets
        same = self._evolution() == getattr(self, "_grown_by", None)
        return [before if same or before is None else replace(before, state={}) for before in earlier]


def _counting_rows(X: Floats, y: Floats, sample_weight: Any) -> tuple[Floats, Floats, Floats | None]:
    """Features, targets of shape (n_targets, n_rows) and weights of the distinct rows of positive weight, in order.

    Rows that agree in everything are one row of their summed weight: so a weight of 2 is that row twice, as
    scikit-learn understands it, and the order of the rows does not matter.
    """
    weights = np.ones(len(X))
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    counts = weights > 0
    if not counts.any():
        raise DataError("sample_weight is zero in every row; at least one weight must be positive")
    table = np.column_stack([X, y])[counts]
    distinct, place = np.unique(table, axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), weights[counts]).astype(np.float64)
    n = X.shape[1]
    # Equal weights say nothing, and are left out so that their rounding says nothing either.
    equal = np.all(weights == weights[0])
    return distinct[:, :n], np.ascontiguousarray(distinct[:, n:].T), None if equal else weights


def _continue(before: Discovery | None, problem: Problem) -> tuple[State | None, list[Expression]]:
    """The populations to go on with where all is as it was, else the formulas that still make sense."""
    if before is None:
        return None, []
    old, new = before.problem.dataset, problem.dataset
    same = before.problem.space == problem.space and before.problem.objective == problem.objective
    if before.state and same and old.fingerprint == new.fingerprint:
        return before.state, []
    if old.units != new.units:  # units by name: other columns, or others than they were
        return None, []
    return None, [law.expression for law in before.front if problem.space.admits(law.expression)]


def _constant_front(value: float, columns: Dataset, space: SearchSpace) -> Front:
    expression = constant(value * (1.0 if columns.target.unit is None else columns.target.unit.factor))
    law = Law(
        expression=expression,
        loss=0.0,
        complexity=space.complexity.of(expression),
        score=Score(0.0, 0.0, 0.0),
        covariance=np.zeros((1, 1)),
        constants=(Constant("c1", value, 0.0, columns.target.unit),),
        units_hold=True if columns.has_all_units else None,
        origin="constant target",
        features=columns.features,
        target=columns.target,
        positive=tuple(bool(np.all(row > 0)) for row in columns.X),
    )
    return Front((law,))


def _read(settings: type[S], options: Mapping[str, Any]) -> S:
    """From the options that are not None; messages speak of the estimator's parameters."""
    try:
        return settings.read({name: value for name, value in options.items() if value is not None})
    except ConfigError as error:
        text = str(error).removeprefix("option ")
        inner = text.split(" ")[0]
        raise ConfigError(text.replace(inner, _OURS.get(inner, inner), 1)) from None


def _by_name(given: Any) -> Any:
    """Operators as keys in PySR's spelling or ours; what is no mapping is refused where it is read."""
    if not isinstance(given, Mapping):
        return given
    return {PYSR_NAMES.get(word, word): value for word, value in given.items()}


def _criterion(model_selection: str) -> Callable[[Law], float]:
    if model_selection not in _CRITERIA:
        raise ConfigError(
            f"model_selection = {model_selection!r}: accepted are {', '.join(map(repr, _CRITERIA))}"
        )
    return _CRITERIA[model_selection]


def _words(given: Any, option: str) -> Words:
    if isinstance(given, str):
        return [given] if "=" in given else given.replace(",", " ").split()
    if isinstance(given, Sequence | set | frozenset | np.ndarray):
        return list(given)
    raise ConfigError(f"{option} = {given!r}: accepted is a list of operators")


def _target_names(y: Any, n_targets: int, features: Sequence[str]) -> list[str]:
    """The names that a Series or DataFrame gives them, or ``y``, or ``y0``, ``y1``, ..."""
    names = list(getattr(y, "columns", [getattr(y, "name", None)]))
    if len(names) != n_targets or not all(isinstance(name, str) and name for name in names):
        names = ["y"] if n_targets == 1 else [f"y{i}" for i in range(n_targets)]
    return [name + "_" * (name in features) for name in names]


def _units(
    X_units: Any, y_units: Any, features: Sequence[str], targets: Sequence[str]
) -> dict[str, str] | None:
    if X_units is None and y_units is None:
        return None
    if isinstance(y_units, str):
        y_units = [y_units]
    found: dict[str, str] = {}
    for option, units, names in (("X_units", X_units, features), ("y_units", y_units, targets)):
        if units is None or len(units) != len(names) or not all(isinstance(unit, str) for unit in units):
            raise ConfigError(f"{option}: give a unit for each of {', '.join(names)} ('1' for a pure number)")
        found |= dict(zip(names, units, strict=True))
    return found


def _guesses(given: Any, n_targets: int) -> list[list[str | Expression]]:
    if given is None:
        return [[] for _ in range(n_targets)]
    if n_targets == 1 and not isinstance(given, str) and all(isinstance(g, str | Expression) for g in given):
        return [list(given)]
    nested = not isinstance(given, str) and not any(isinstance(guess, str | Expression) for guess in given)
    if len(given) != n_targets or not nested:
        each = f" for each of the {n_targets} targets" * (n_targets > 1)
        raise ConfigError(f"guesses = {given!r}: accepted is a list of formulas{each}")
    return [list(guess) for guess in given]


@contextmanager
def _watched(show: bool | OnProgress) -> Iterator[OnProgress | None]:
    if callable(show):
        yield show
        return
    if not show:
        yield None
        return
    from rich.progress import Progress as Bar

    with Bar(transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def on_progress(progress: Progress) -> None:
            bar.update(task, description=progress.stage, completed=progress.fraction)

        yield on_progress
