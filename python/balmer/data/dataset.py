"""The Dataset: an immutable matrix of features and a target, with names, roles and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from balmer.data.arrays import array_source
from balmer.data.assemble import Options, assemble
from balmer.data.cells import Missing, WeightsMean
from balmer.data.column import Column
from balmer.data.fingerprint import fingerprint
from balmer.data.metadata import About, UnitLike, attrs_of, described, header_of
from balmer.data.numeric import Floats
from balmer.data.show import SUMMARY, SummaryRow, html_table, summary_row, text_table
from balmer.data.source import arrow_source, open_source, pandas_source
from balmer.data.table import write_table
from balmer.errors import DataError, UnitError
from balmer.units import Unit, natural_scale, natural_unit, parse_unit

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Columns of numbers with names, roles and units; build it with one of the ``from_`` methods.

    Attributes
    ----------
    X : numpy.ndarray of float64, shape (n_features, n_rows)
        The features, each contiguous in memory; read-only, as are the other arrays.
    y : numpy.ndarray of float64, shape (n_rows,)
        The target.
    weights : numpy.ndarray of float64, shape (n_rows,), or None
        Weight of each row.
    sigma : numpy.ndarray of float64, shape (n_rows,), or None
        Standard uncertainty of each target value, in the target's unit.
    features : tuple of Column
        One for each row of `X`.
    target : Column
        What `y` is.
    weight_column, sigma_column : Column or None
        What `weights` and `sigma` are.
    name, description, source : str
        What the table is called, what it holds, and where it comes from.
    dropped_rows : int
        How many rows were left out because a cell was missing.
    missing : dict of str to int
        How many cells of each column were missing before that.
    notes : tuple of str
        What was made of heads of columns that the user should know, each a sentence.
    weights_mean : {"precision", "events"}
        What a weight is: how precise a row is, as one over its variance, or how many events it stands for.
    """

    X: Floats
    y: Floats
    weights: Floats | None
    sigma: Floats | None
    features: tuple[Column, ...]
    target: Column
    weight_column: Column | None
    sigma_column: Column | None
    name: str
    description: str
    source: str
    dropped_rows: int
    missing: Mapping[str, int]
    weights_mean: WeightsMean = "precision"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._freeze()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze()  # NumPy forgets the flag in a copy and on the way to another process

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike | Mapping[str, ArrayLike],
        y: ArrayLike,
        *,
        names: Sequence[str] | None = None,
        target: str = "y",
        units: Mapping[str, UnitLike] | None = None,
        weights: ArrayLike | None = None,
        sigma: ArrayLike | None = None,
        descriptions: Mapping[str, str] | None = None,
        missing: Missing = "error",
        weights_mean: WeightsMean = "precision",
        name: str = "data",
        description: str = "",
        source: str = "",
    ) -> Dataset:
        """Build a dataset from arrays in memory; they are copied.

        Parameters
        ----------
        X : array of shape (n_rows, n_features), or mapping of name to array of shape (n_rows,)
            The features, laid out as in scikit-learn. Quantities of astropy, pint or unyt bring their units, here and
            in the other arrays.
        y : array of shape (n_rows,)
            The target.
        names : sequence of str, optional
            Names of the features; ``x0``, ``x1``, ... by default.
        target : str
            Name of the target.
        units : mapping of str to str, Unit or None, optional
            Units by column name; what is left out has no unit.
        weights, sigma : array of shape (n_rows,), optional
            Weight of each row; standard uncertainty of each target value, in the target's unit.
        descriptions : mapping of str to str, optional
            Descriptions by column name.
        missing : {"error", "drop"}
            Whether a row with a cell that is NaN or infinite is an error or left out.
        weights_mean : {"precision", "events"}
            What the weights are: how precise a row is, as one over its variance, or how many events it stands for,
            as in simulated collisions. Errors and criteria then count (sum w)^2/sum(w^2) events, and a weight may be
            negative while their sum is positive.
        name, description, source : str
            Kept with the data.

        Raises
        ------
        DataError
            If shapes do not fit, or see `from_file`.
        UnitError
            If a unit cannot be read.
        """
        table = array_source(X, y, names, target, weights, sigma, About(name, description, source))
        return cls(
            **assemble(
                table,
                None,
                units=units,
                descriptions=descriptions,
                missing=missing,
                weights_mean=weights_mean,
            )
        )

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        target: str | None = None,
        *,
        format: str | None = None,
        delimiter: str | None = None,
        **options: Unpack[Options],
    ) -> Dataset:
        """Read a dataset from a file; its ending says the format.

        Parameters
        ----------
        path : path
            ``.parquet``, ``.pq``; ``.feather``, ``.arrow``; ``.csv``, ``.tsv``, ``.txt`` with a header such
            as ``r [Mpc],v [km/s]``.
        target : str, optional
            The column to be explained; by default the one whose stored role is target.
        format : {"parquet", "feather", "csv"}, optional
            Overrides the ending.
        delimiter : str, optional
            Of a text file; by default found in its first line.
        features : sequence of str, optional
            The columns that may explain it; by default all whose stored role is feature or that have none.
        weights, sigma : str, optional
            Columns with the weight of each row and the standard uncertainty of the target; by default those
            with the stored role weight or uncertainty (the latter only for the stored target). An
            uncertainty in another unit than the target's is converted to it.
        units : mapping of str to str, Unit or None, optional
            Units by column name, in place of the stored ones; None takes one away.
        descriptions : mapping of str to str, optional
            Descriptions by column name, in place of the stored ones.
        missing : {"error", "drop"}
            Whether a row with an empty, NaN or infinite cell is an error or left out.
        weights_mean : {"precision", "events"}
            What the weights are, see `from_arrays`.
        name, description, source : str, optional
            In place of the stored ones.

        Raises
        ------
        DataError
            If the file cannot be read; a column is unknown, not numeric, or has two roles; a cell is missing
            and `missing` is ``"error"``; an uncertainty is not positive, a weight negative, or all weights
            zero; fewer than 4 rows are left; or the target is constant.
        UnitError
            If a unit cannot be read, or the uncertainty does not measure what the target measures.
        """
        return cls(**assemble(open_source(path, format=format, delimiter=delimiter), target, **options))

    @classmethod
    def from_parquet(
        cls, path: str | PathLike[str], target: str | None = None, **options: Unpack[Options]
    ) -> Dataset:
        """Read a Parquet file, only the columns that take part; see `from_file`."""
        return cls.from_file(path, target, format="parquet", **options)

    @classmethod
    def from_feather(
        cls, path: str | PathLike[str], target: str | None = None, **options: Unpack[Options]
    ) -> Dataset:
        """Read a Feather (Arrow IPC) file, only the columns that take part; see `from_file`."""
        return cls.from_file(path, target, format="feather", **options)

    @classmethod
    def from_csv(
        cls,
        path: str | PathLike[str],
        target: str | None = None,
        *,
        delimiter: str | None = None,
        **options: Unpack[Options],
    ) -> Dataset:
        """Read a text table; see `from_file`."""
        return cls.from_file(path, target, format="csv", delimiter=delimiter, **options)

    @classmethod
    def from_pandas(cls, df: pd.DataFrame, target: str | None = None, **options: Unpack[Options]) -> Dataset:
        """Take the columns of a DataFrame, not its index; see `from_file` for the arguments.

        Units, roles and descriptions stored in ``df.attrs["balmer"]`` by `to_pandas` are used; else the units of
        columns of quantities (pint-pandas, astropy), and those of heads such as ``v [km/s]`` and ``t (s)``.
        """
        return cls(**assemble(pandas_source(df), target, **options))

    @classmethod
    def from_arrow(cls, table: pa.Table, target: str | None = None, **options: Unpack[Options]) -> Dataset:
        """Take the columns of an Arrow table; see `from_file` for the arguments."""
        return cls(**assemble(arrow_source(table), target, **options))

    def with_target(self, target: str, *, features: Sequence[str] | None = None) -> Dataset:
        """Return the same table with another of its columns to be explained.

        Parameters
        ----------
        target : str
            One of the features, or the target as it is.
        features : sequence of str, optional
            The columns that may explain it; by default all other features and the old target.

        Raises
        ------
        DataError
            If a column is not there, or the new target is constant.

        Notes
        -----
        Weights are those of the rows and stay; uncertainties are those of the old target and do not.
        """
        if features is None:
            known = (*self.feature_names, self.target.name)
            features = [name for name in known if name != target]
        table = type(self).from_arrow(
            self.to_arrow(), target, features=features, units=self.units, weights_mean=self.weights_mean
        )
        return replace(table, dropped_rows=self.dropped_rows, missing=self.missing, notes=self.notes)

    def with_nature(self, symbols: str | Sequence[str]) -> Dataset:
        """The dataset with constants of nature among its features, in SI units.

        Parameters
        ----------
        symbols : as in ``"c h k_B"``; see `balmer.data.nature.NATURE`.

        Raises
        ------
        DataError
            If there is no such constant, or a column has its name.
        """
        from balmer.data.nature import nature  # SciPy takes a moment

        chosen = symbols.replace(",", " ").split() if isinstance(symbols, str) else list(symbols)
        columns, rows = [], []
        for symbol in dict.fromkeys(chosen):
            number, unit, name = nature(symbol)
            if symbol in (column.name for column in self.columns):
                raise DataError(
                    f"the constant of nature {symbol!r} has the name of a column; rename the column"
                )
            columns.append(Column(symbol, unit=parse_unit(unit), description=name))
            rows.append(np.full(self.n_rows, number))
        X = np.ascontiguousarray(np.vstack([self.X, *rows]))
        return replace(self, X=X, features=(*self.features, *columns))

    def in_natural_units(self) -> Dataset:
        """The dataset with every column that has a unit in the power of GeV it has with hbar = c = k_B = epsilon_0 = 1.

        There ``E**2 = p**2 + m**2`` is dimensionally right, and a length in fm and an energy in MeV become GeV^-1 and
        GeV. Columns without a unit stay as they are.

        Raises
        ------
        UnitError
            If a unit is no power of energy then, as the mole.
        """
        features = [_natural(column, x) for column, x in zip(self.features, self.X, strict=True)]
        target, y = _natural(self.target, self.y)
        pair = None
        if self.sigma_column is not None and self.sigma is not None:
            pair = _natural(replace(self.sigma_column, unit=self.target.unit), self.sigma)
        return replace(
            self,
            X=np.ascontiguousarray([x for _, x in features]),
            features=tuple(column for column, _ in features),
            y=y,
            target=target,
            sigma_column=self.sigma_column if pair is None else pair[0],
            sigma=self.sigma if pair is None else pair[1],
        )

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.features)

    @property
    def n_rows(self) -> int:
        """Number of rows that are in use."""
        return len(self.y)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the order of `X`."""
        return tuple(column.name for column in self.features)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns: features, target, and the weight and uncertainty if there are."""
        return tuple(column for column, _ in self._pairs())

    @property
    def units(self) -> dict[str, Unit | None]:
        """The units of features and target by name; None where not known."""
        return {column.name: column.unit for column in (*self.features, self.target)}

    @property
    def has_all_units(self) -> bool:
        """Whether the unit of every feature and of the target is known."""
        return None not in self.units.values()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of names, roles, units and numbers, the same in every process."""
        return fingerprint(self._pairs(), self.weights_mean)

    def schema(self) -> dict[str, Any]:
        """Return what is known beside the numbers, fit for JSON."""
        return {
            "name": self.name,
            "description": self.description,
            "source": self.source,
            "n_rows": self.n_rows,
            "dropped_rows": self.dropped_rows,
            "fingerprint": self.fingerprint,
            "weights_mean": self.weights_mean,
            "columns": [
                {
                    "name": column.name,
                    "role": column.role.value,
                    "unit": None if column.unit is None else column.unit.text,
                    "description": column.description,
                }
                for column in self.columns
            ],
        }

    def describe(self) -> pd.DataFrame:
        """Summarise each column: role, unit, minimum, median, maximum, missing cells, description.

        Returns
        -------
        pandas.DataFrame
            Indexed by column name. Missing cells are counted before rows were dropped.
        """
        import pandas as pd

        names = pd.Index([column.name for column in self.columns], name="column")
        return pd.DataFrame(self._summary(), columns=list(SUMMARY), index=names)

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table, with units, roles and descriptions in the metadata of its fields."""
        import pyarrow as pa

        pairs = self._pairs()
        table = pa.table(
            [pa.array(values) for _, values in pairs], names=[column.name for column, _ in pairs]
        )
        return described(table, [header_of(column) for column, _ in pairs], self._about())

    def to_pandas(self) -> pd.DataFrame:
        """Return a DataFrame, with units, roles and descriptions in ``attrs["balmer"]``."""
        import pandas as pd

        frame = pd.DataFrame({column.name: values for column, values in self._pairs()})
        frame.attrs.update(attrs_of((header_of(column) for column in self.columns), self._about()))
        return frame

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """Write Parquet, with units, roles and descriptions; the file appears whole or not at all."""
        write_table(self.to_arrow(), path, format="parquet")

    def to_feather(self, path: str | PathLike[str]) -> None:
        """Write Feather (Arrow IPC), with units, roles and descriptions; whole or not at all."""
        write_table(self.to_arrow(), path, format="feather")

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write text with a header such as ``v [km/s]``, which has no place for roles and descriptions."""
        write_table(self.to_arrow(), path, format="csv")

    def __repr__(self) -> str:
        return text_table(self._title(), self.columns, self._summary())

    def _repr_html_(self) -> str:
        return html_table(self._title(), self.columns, self._summary())

    def _title(self) -> str:
        dropped = f" ({self.dropped_rows} dropped)" if self.dropped_rows else ""
        return f"Dataset '{self.name}': {self.n_rows} rows{dropped}, target {self.target.label}"

    def _about(self) -> About:
        return About(self.name, self.description, self.source)

    def _summary(self) -> list[SummaryRow]:
        return [
            summary_row(column, values, missing=self.missing.get(column.name, 0))
            for column, values in self._pairs()
        ]

    def _pairs(self) -> list[tuple[Column, Floats]]:
        """Each column with its numbers."""
        pairs = [*zip(self.features, self.X, strict=True), (self.target, self.y)]
        for column, values in ((self.weight_column, self.weights), (self.sigma_column, self.sigma)):
            if column is not None and values is not None:
                pairs.append((column, values))
        return pairs

    def _freeze(self) -> None:
        for values in (self.X, self.y, self.weights, self.sigma):
            if isinstance(values, np.ndarray):
                values.flags.writeable = False


def _natural(column: Column, values: Floats) -> tuple[Column, Floats]:
    """A column in GeV to some power, and its numbers."""
    if column.unit is None:
        return column, values
    if column.unit.refusal:
        raise UnitError(f"column {column.name!r}: {column.unit.refusal}")
    try:
        unit = natural_unit(column.unit)
    except UnitError as error:
        raise UnitError(f"column {column.name!r}: {error}") from None
    return replace(column, unit=unit), np.asarray(values * natural_scale(column.unit))
