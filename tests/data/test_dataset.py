"""A Dataset keeps the user's numbers, names and units, and nobody can change them."""

import copy
import json
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from balmer.data import Column, Dataset, Role
from balmer.units import Dimension, parse_unit

FREE_FALL = {"h": [1.0, 2.0, 3.0, 4.0, 5.0], "g": [9.8, 9.8, 9.8, 1.6, 1.6]}
TIMES = [0.45, 0.64, 0.78, 2.24, 2.5]


def free_fall(**options):
    return Dataset.from_arrays(
        FREE_FALL, TIMES, target="t", units={"h": "m", "g": "m/s^2", "t": "s"}, name="fall", **options
    )


def test_shapes_names_and_units():
    data = free_fall(descriptions={"h": "height"})
    assert (data.n_features, data.n_rows, data.X.shape) == (2, 5, (2, 5))
    assert data.feature_names == ("h", "g")
    assert data.features[0] == Column("h", Role.FEATURE, parse_unit("m"), "height")
    assert data.target == Column("t", Role.TARGET, parse_unit("s"))
    assert data.units["g"].dimension == Dimension(m=1, s=-2)
    assert data.has_all_units
    assert data.X.flags.c_contiguous
    assert data.X.dtype == data.y.dtype == np.float64
    np.testing.assert_array_equal(data.X[1], FREE_FALL["g"])


def test_a_missing_unit_is_unknown_and_not_a_pure_number():
    data = Dataset.from_arrays(FREE_FALL, TIMES, units={"h": "1"})
    assert data.units["g"] is None
    assert data.units["h"].is_dimensionless
    assert not data.has_all_units


@given(hnp.arrays(np.float64, (6, 3), elements=st.floats(-1e9, 1e9)))
def test_rows_are_laid_out_as_in_scikit_learn(X):
    data = Dataset.from_arrays(X, np.arange(6.0))
    assert data.feature_names == ("x0", "x1", "x2")
    np.testing.assert_array_equal(data.X.T, X)


def test_nothing_can_be_changed():
    X, y = np.ones((5, 1)), np.arange(5.0)
    data = Dataset.from_arrays(X, y, weights=np.ones(5), sigma=np.ones(5))
    X[:], y[:] = 7, 7
    assert data.X.max() == 1
    assert data.y[1] == 1
    for frozen in (data, copy.deepcopy(data)):
        for array in (frozen.X, frozen.y, frozen.weights, frozen.sigma):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    with pytest.raises(AttributeError):
        data.name = "other"


@pytest.mark.parametrize(
    "values",
    [
        [True, False, True, True],
        np.array([1, 0, 1, 1], dtype=np.uint8),
        [Decimal("1"), 0, 1.0, True],
        np.array([1, 0, 1, 1], dtype=np.float32),
        np.ma.array([1, 0, 1, 1]),
    ],
)
def test_every_kind_of_number_becomes_float64(values):
    data = Dataset.from_arrays({"x": values}, [1, 2, 3, 4])
    np.testing.assert_array_equal(data.X, [[1, 0, 1, 1]])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, None, 2**53, 4, 5], dtype="Int64"),
        pd.Series([1.0, np.nan, 2**53, 4, 5]),
        pd.Series([Decimal(1), None, 2**53, 4, True], dtype=object),
        pd.Series([1, pd.NA, 2**53, 4, 5], dtype=object),
        pd.Series([1, None, 2**53, 4, 5], dtype="float32"),
        pd.Categorical([1, None, 2**53, 4, 5]),
        pd.array([1, None, 2**53, 4, 5], dtype=pd.ArrowDtype(pa.decimal128(20, 2))),
    ],
)
def test_every_kind_of_missing_cell_is_dropped_from_a_frame(values):
    frame = pd.DataFrame({"x": values, "y": [1, 2, 3, 4, 5]})
    data = Dataset.from_pandas(frame, target="y", missing="drop")
    np.testing.assert_array_equal(data.X[0, :3], [1, 2**53, 4])
    np.testing.assert_array_equal(data.y, [1, 3, 4, 5])
    assert data.dropped_rows == 1
    assert data.missing == {"x": 1, "y": 0}


def test_integers_beyond_float64_are_rounded():
    table = pa.table({"x": [2**60 + 1, 1, 2, 3], "y": [1, 2, 3, 4]})
    assert Dataset.from_arrow(table, "y").X[0, 0] == 2.0**60


def test_dropped_rows_take_weights_and_uncertainties_along():
    nan, inf = np.nan, np.inf
    data = Dataset.from_arrays(
        {"x": [0, 1, nan, 3, 4, 5, 6]},
        [0, 1, 2, inf, 4, 5, 6],
        weights=[0, 1, 2, 3, 4, 5, 6],
        sigma=[1, 2, -1, 0, 5, nan, 7],  # the bad uncertainties stand in dropped rows
        missing="drop",
    )
    np.testing.assert_array_equal(data.y, [0, 1, 4, 6])
    np.testing.assert_array_equal(data.weights, [0, 1, 4, 6])
    np.testing.assert_array_equal(data.sigma, [1, 2, 5, 7])
    assert data.dropped_rows == 3
    assert data.X.flags.c_contiguous


def test_an_uncertainty_in_another_unit_is_converted_to_the_targets():
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "v": [1, 2, 3, 5], "dv": [100, 200, 300, 400]})
    data = Dataset.from_pandas(frame, target="v", sigma="dv", units={"x": "Mpc", "v": "km/s", "dv": "m/s"})
    np.testing.assert_allclose(data.sigma, [0.1, 0.2, 0.3, 0.4])
    assert data.sigma_column == Column("dv", Role.UNCERTAINTY, parse_unit("km/s"))
    assert data.feature_names == ("x",)


def test_the_index_of_a_frame_takes_no_part():
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 2, 3, 5]}, index=pd.Index([9, 8, 7, 6], name="id"))
    assert Dataset.from_pandas(frame, target="y").feature_names == ("x",)


def test_a_column_may_have_any_name():
    names = ["E", "I", "S", "beta", "lambda", "x'", "v/c", "λ", "two words", "x[0]", "__import__('os')"]
    X = np.arange(44.0).reshape(4, 11)
    data = Dataset.from_arrays(X, [1, 2, 3, 5], names=names, units=dict.fromkeys(names, "m"))
    assert data.feature_names == tuple(names)
    assert all(name in repr(data) for name in names)


def test_weights_and_uncertainties_never_clash_with_a_feature_name():
    data = Dataset.from_arrays({"weight": [1, 2, 3, 4]}, [1, 2, 3, 5], weights=[1, 1, 1, 1])
    assert [column.name for column in data.columns] == ["weight", "y", "weight_"]


def test_the_fingerprint_depends_on_numbers_names_and_units_only():
    data = free_fall()
    assert data.fingerprint == free_fall(description="other", source="other").fingerprint
    assert len(data.fingerprint) == 64
    different = [
        Dataset.from_arrays(FREE_FALL, TIMES, target="t", units={"h": "m", "g": "m/s^2"}),
        Dataset.from_arrays(FREE_FALL, TIMES, target="T", units={"h": "m", "g": "m/s^2", "T": "s"}),
        Dataset.from_arrays(FREE_FALL, [*TIMES[:4], 2.51], target="t", units=data_units(data)),
        free_fall(weights=np.ones(5)),
        free_fall(sigma=np.ones(5)),
    ]
    assert len({other.fingerprint for other in [data, *different]}) == 6


def data_units(data):
    return {name: unit.text for name, unit in data.units.items()}


def test_the_fingerprint_is_the_same_in_another_process():
    code = (
        "from balmer.data import Dataset;"
        f"print(Dataset.from_arrays({FREE_FALL}, {TIMES}, target='t',"
        "units={'h': 'm', 'g': 'm/s^2', 't': 's'}, name='fall').fingerprint)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == free_fall().fingerprint


def test_the_schema_is_json_and_says_everything_but_the_numbers():
    schema = free_fall(source="drop tower").schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["source"] == "drop tower"
    assert schema["n_rows"] == 5
    assert schema["columns"][1] == {"name": "g", "role": "feature", "unit": "m/s^2", "description": ""}


def test_describe_gives_the_range_of_each_column():
    table = free_fall(descriptions={"h": "height"}).describe()
    assert list(table.index) == ["h", "g", "t"]
    assert list(table.columns) == ["role", "unit", "min", "median", "max", "missing", "description"]
    assert list(table.loc["h"]) == ["feature", "m", 1.0, 3.0, 5.0, 0, "height"]
    assert table.loc["t", "role"] == "target"


def test_it_shows_itself_in_a_terminal_and_escapes_html():
    data = Dataset.from_arrays({"<b>": [1, 2, 3, 4]}, [1, 2, 3, 5], units={"y": "km/s"}, name="a&b")
    assert repr(data).splitlines()[0] == "Dataset 'a&b': 4 rows, target y [km/s]"
    assert "&lt;b&gt;" in data._repr_html_()
    assert "<b>a" not in data._repr_html_().replace("<p><b>", "")
    assert "a&amp;b" in data._repr_html_()


def test_a_wide_table_is_shown_in_part():
    data = Dataset.from_arrays(np.eye(100), np.arange(100.0))
    assert len(repr(data).splitlines()) < 30
    assert "77 more columns" in repr(data)


def test_pandas_and_pyarrow_are_imported_only_when_needed():
    code = (
        "import sys; from balmer.data import Dataset;"
        "print(Dataset.from_arrays({'x': [1, 2, 3, 4]}, [1, 2, 3, 5]));"
        "assert not {'pandas', 'pyarrow', 'pint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
