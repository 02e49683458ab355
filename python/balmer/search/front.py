"""The Front: laws that no simpler law beats, simplest first, one of them chosen."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from balmer.search.law import Law

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Front"]

_WORTHWHILE = (
    1e-4  # relative decrease of the loss that a more complex law must bring; less is another spelling
)


@dataclass(frozen=True, eq=False, repr=False)
class Front(Sequence[Law]):
    """Laws by ascending complexity and strictly descending loss.

    Of laws of one complexity the one of the smallest description length is kept; `best` is the law of the smallest
    description length of all.
    """

    laws: tuple[Law, ...]

    @classmethod
    def of(cls, laws: Sequence[Law]) -> Front:
        """The front of any laws."""
        kept: list[Law] = []
        bound = float("inf")  # the least loss of any simpler law, also of those that were not kept
        for complexity in sorted({law.complexity for law in laws}):
            same = [law for law in laws if law.complexity == complexity]
            level = [law for law in same if law.loss < bound * (1 - _WORTHWHILE)]
            bound = min(bound, *(law.loss for law in same))
            if level:
                kept.append(min(level, key=lambda law: (round(law.score.description_length, 6), law.loss)))
        return cls(tuple(kept))

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
