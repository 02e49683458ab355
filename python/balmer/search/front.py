"""The Front: laws that no simpler law beats, simplest first, one of them chosen."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from balmer.search.law import Law

if TYPE_CHECKING:
    import pandas as pd

    from balmer.data import Dataset
    from balmer.engines import Problem
    from balmer.expressions import CustomOperator

__all__ = ["Front"]

_WORTHWHILE = (
    1e-4  # relative decrease of the loss that a more complex law must bring; less is another spelling
)


@dataclass(frozen=True, eq=False, repr=False)
class Front(Sequence[Law]):
    """Laws by ascending complexity, each of a smaller loss or description length than all simpler ones.

    Of laws of one complexity the one of the smallest description length is kept; `best` is the law of the smallest
    description length of all.
    """

    laws: tuple[Law, ...]

    @classmethod
    def of(cls, laws: Sequence[Law]) -> Front:
        """The front of any laws."""
        kept: list[Law] = []
        shortest = float("inf")
        bound = float("inf")  # the least loss of any simpler law, also of those that were not kept
        for complexity in sorted({law.complexity for law in laws}):
            same = [law for law in laws if law.complexity == complexity]
            level = [
                law
                for law in same
                if law.loss < bound * (1 - _WORTHWHILE) or law.score.description_length < shortest
            ]
            shortest = min(shortest, *(law.score.description_length for law in same))
            bound = min(bound, *(law.loss for law in same))
            if level:
                kept.append(min(level, key=lambda law: (round(law.score.description_length, 6), law.loss)))
        return cls(tuple(kept))

    @classmethod
    def from_pysr(
        cls, source: Any, data: Dataset | Problem, *, operators: Iterable[str | CustomOperator] = ()
    ) -> Front:
        """The laws of a PySR run, judged on the data.

        Each equation keeps its form; its constants are fitted again from PySR's values, which gives their errors.
        Loss, complexity and criteria are Balmer's, and what a simpler equation beats is left out.

        Parameters
        ----------
        source : ``hall_of_fame.csv``, the directory of the run, or a fitted PySRRegressor. Pickles are not read.
        data : the Dataset, or a whole Problem for its costs of complexity. The equations speak of its features by
            name, or by place as ``x0``, ``x1``, ...
        operators : PySR's custom operators, as in ``"gauss(x) = exp(-x^2)"``.

        Raises
        ------
        ConfigError, DataError
            Naming the file and the row that cannot be read.
        """
        from balmer.search.pysr_files import pysr_laws

        return cls.of(pysr_laws(source, data, operators=operators))

    def to_pysr_guesses(
        self, *, operators: Iterable[str] | None = None, names: Sequence[str] | None = None
    ) -> list[str]:
        """The laws as texts for ``PySRRegressor(guesses=...)``, simplest first.

        Parameters
        ----------
        operators : those of the PySRRegressor, binary and unary; the laws are rewritten with these, and left out
            where that cannot be. Without, every law keeps its operators, all of which PySR must then be given.
        names : what PySR calls the features, if not by their names: ``["x0", "x1"]`` for an array.

        Raises
        ------
        ConfigError
            If a column has a name that PySR does not take, or an operator is not known.
        """
        from balmer.search.pysr_files import pysr_guess

        words = None if operators is None else list(operators)
        guesses = (pysr_guess(law, operators=words, names=names) for law in self.laws)
        return [guess for guess in guesses if guess is not None]

    @property
    def best(self) -> Law:
        """The chosen law: the smallest description length."""
        return self.laws[self.best_index]

    @property
    def best_index(self) -> int:
        """Place of the chosen law."""
        lengths = [law.score.description_length for law in self.laws]
        return lengths.index(min(lengths))

    def __len__(self) -> int:
        return len(self.laws)

    @overload
    def __getitem__(self, index: int) -> Law: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Law, ...]: ...
    def __getitem__(self, index: int | slice) -> Law | tuple[Law, ...]:
        return self.laws[index]

    def __iter__(self) -> Iterator[Law]:
        return iter(self.laws)

    def to_pandas(self) -> pd.DataFrame:
        """One row per law: complexity, constants, loss, criteria, formula, and which is chosen."""
        import pandas as pd

        best = self.best_index if self.laws else -1
        return pd.DataFrame(
            {
                "complexity": [law.complexity for law in self.laws],
                "constants": [len(law.constants) for law in self.laws],
                "loss": [law.loss for law in self.laws],
                "description_length": [law.score.description_length for law in self.laws],
                "bic": [law.score.bic for law in self.laws],
                "aic": [law.score.aic for law in self.laws],
                "formula": [law.text() for law in self.laws],
                "units_hold": [law.units_hold for law in self.laws],
                "origin": [law.origin for law in self.laws],
                "chosen": [i == best for i in range(len(self.laws))],
            }
        )

    def __repr__(self) -> str:
        if not self.laws:
            return "<Front: no law found>"
        best = self.best_index
        lines = [
            f"  {'complexity':>10} {'constants':>9} {'loss':>10} {'criterion':>10}  {self.laws[0].target.name} ="
        ]
        for i, law in enumerate(self.laws):
            lines.append(
                f"{'*' if i == best else ' '} {law.complexity:>10} {len(law.constants):>9} {law.loss:>10.3e} "
                f"{law.score.description_length:>10.2f}  {law.text()}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        best = self.best_index if self.laws else -1
        head = "".join(f"<th>{name}</th>" for name in ("complexity", "constants", "loss", "criterion", "law"))
        rows = ""
        for i, law in enumerate(self.laws):
            cells = (
                law.complexity,
                len(law.constants),
                f"{law.loss:.3e}",
                f"{law.score.description_length:.2f}",
            )
            style = ' style="font-weight:bold"' if i == best else ""
            rows += f"<tr{style}>" + "".join(f"<td>{cell}</td>" for cell in cells)
            rows += f"<td>{html.escape(law._repr_latex_())}</td></tr>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
