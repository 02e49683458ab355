"""Every mistake in a table gets one sentence that names the column, the row or the file, and the way out."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from balmer.data import Dataset, annotate, read_table, write_table
from balmer.errors import BalmerError, ConfigError, DataError, UnitError

N = 20


def frame(**columns):
    x = np.arange(1.0, N + 1)
    return pd.DataFrame({"x": x, "y": x**2} | columns)


def with_value(row, value, dtype=float):
    values = np.arange(1, N + 1).astype(dtype)
    values[row - 1] = value
    return values


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {},
            {"target": "yy"},
            r"the DataFrame has no column 'yy'; did you mean 'y'\? The columns are 'x', 'y'",
        ),
        ({}, {"target": "q"}, "has no column 'q'; the columns are 'x', 'y'"),
        ({}, {"target": "y", "features": ["X"]}, "has no column 'X'"),
        ({}, {"target": "y", "sigma": "dy"}, "has no column 'dy'"),
        ({}, {}, "no target is given and no column of the DataFrame has the role target; the columns are"),
        ({"s": with_value(4, "a", object)}, {"target": "y"}, "column 's' is not numeric: row 4 holds 'a'"),
        ({"s": ["1"] * N}, {"target": "y"}, "column 's' holds numbers as text .row 1 holds '1'.; convert"),
        ({"s": pd.date_range("2020", periods=N)}, {"target": "y"}, "column 's' is not numeric: row 1 holds"),
        ({"s": [1j] * N}, {"target": "y"}, "column 's' is not numeric: row 1 holds 1j"),
        ({"s": [[1.0]] * N}, {"target": "y"}, r"column 's' is not numeric: row 1 holds \[1.0\]"),
        ({"s": with_value(17, np.nan)}, {"target": "y"}, "'s': row 17 is empty or NaN.*--missing drop"),
        (
            {"s": with_value(17, np.inf)},
            {"target": "y"},
            "'s': row 17 is infinite; pass missing='drop'",
        ),
        ({"y": with_value(3, np.nan)}, {"target": "y"}, "column 'y': row 3 is empty or NaN"),
        ({"y": 2.5}, {"target": "y"}, "the target 'y' is 2.5 in every row"),
        (
            {"s": 0.0},
            {"target": "y", "sigma": "s"},
            "column 's': row 1 holds 0; uncertainties must be",
        ),
        ({"s": with_value(5, -2)}, {"target": "y", "sigma": "s"}, "uncertainty column 's': row 5 holds -2"),
        ({"w": with_value(6, -1)}, {"target": "y", "weights": "w"}, "weight column 'w': row 6 holds -1"),
        ({"w": 0}, {"target": "y", "weights": "w"}, "weight column 'w' is zero in every row"),
        ({}, {"target": "y", "features": ["x", "y"]}, "'y' is listed both as feature and as target"),
        ({}, {"target": "y", "features": ["x", "x"]}, "column 'x' is listed twice"),
        ({}, {"target": "y", "sigma": "y"}, "'y' is listed both as target and as uncertainty"),
        ({}, {"target": "y", "weights": "x"}, "no feature is left"),
        ({}, {"target": "y", "features": []}, "no feature is left"),
        ({}, {"target": "y", "units": {"z": "m"}}, "a unit is given for the column 'z', which the DataFrame"),
        ({}, {"target": "y", "descriptions": {"z": "m"}}, "a description is given for 'z'"),
        ({" ": 1.0}, {"target": "y"}, "column 3 of the DataFrame has an empty name"),
    ],
)
def test_mistakes_in_a_frame(columns, options, message):
    with pytest.raises(DataError, match=message) as caught:
        Dataset.from_pandas(frame(**columns), **options)
    assert "\n" not in str(caught.value)


def test_a_misspelt_option_is_not_passed_over():
    with pytest.raises(TypeError, match="feature"):
        Dataset.from_pandas(frame(), target="y", feature=["x"])


def test_mistakes_in_units():
    with pytest.raises(UnitError, match="column 'x': unknown unit 'metr'; did you mean"):
        Dataset.from_pandas(frame(), target="y", units={"x": "metr"})
    with pytest.raises(UnitError, match=r"uncertainty 'x' has the unit 's', which does not measure.*'km/s'"):
        Dataset.from_pandas(frame(a=1.0), target="y", sigma="x", units={"x": "s", "y": "km/s"})


def test_an_unknown_way_with_missing_cells():
    with pytest.raises(ConfigError, match="missing='skip' is not accepted; accepted are 'error' and 'drop'"):
        Dataset.from_pandas(frame(), target="y", missing="skip")


def test_too_few_rows():
    with pytest.raises(DataError, match="the DataFrame has 3 rows; at least 4 are needed"):
        Dataset.from_pandas(frame()[:3], target="y")
    sparse = frame(s=[1.0, 2.0, *[np.nan] * (N - 2)])
    with pytest.raises(DataError, match="has 2 rows left after 18 with missing values were dropped"):
        Dataset.from_pandas(sparse, target="y", missing="drop")


def test_repeated_names():
    twice = pd.DataFrame(np.ones((5, 3)), columns=["a", "b", "a"])
    with pytest.raises(DataError, match="two columns of the DataFrame are called 'a'"):
        Dataset.from_pandas(twice, target="b")
    with pytest.raises(DataError, match="two columns of the data are called 'y'"):
        Dataset.from_arrays({"y": [1, 2, 3, 4]}, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (
            [1, 2, 3, 4],
            [1, 2, 3, 4],
            {},
            r"X has 1 dimensions \(4\); accepted are \(n_rows,",
        ),
        ([[1], [2, 3]], [1, 2], {}, "X is no array: its rows differ in length"),
        (np.ones((4, 2)), [1, 2, 3, 4], {"names": ["a"]}, "X has 2 columns, but 1 names are given"),
        (np.ones((4, 2)), [1, 2, 3], {}, "column 'x0' has 4 rows, the target 'y' 3"),
        (np.ones((4, 2)), np.ones((4, 1)), {}, "column 'y' has 2 dimensions"),
        ({"a": [1, 2, 3, 4]}, [1, 2, 3, 4], {"names": ["a"]}, "names are given twice"),
        (np.ones((4, 1)), [1, 2, 3, 4], {"sigma": [1.0]}, "column 'uncertainty' has 1 rows"),
    ],
)
def test_arrays_that_do_not_fit(X, y, options, message):
    with pytest.raises(DataError, match=message):
        Dataset.from_arrays(X, y, **options)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "file '.*a.csv' is empty"),
        ("a.parquet", "", "file '.*a.parquet' is empty"),
        ("a.parquet", "no Parquet at all", "file '.*a.parquet' is not a Parquet file"),
        ("a.feather", "no Feather at all", r"file '.*a.feather' is not a Feather \(Arrow IPC\) file"),
        ("a.xlsx", "x", "ends in '.xlsx', an unknown format; accepted are .parquet, .pq, .feather"),
        ("a.csv", "x,y\n", "file '.*a.csv' has 0 rows; at least 4 are needed"),
        ("a.csv", "x,y\n1,2\n3\n", "file '.*a.csv' is not a table of text: .*Expected 2 columns, got 1"),
        ("a.csv", ",y\n0,1\n", "column 1 of file '.*a.csv' has an empty name .pandas writes"),
        ("a.csv", "y,y\n0,1\n", "two columns of file '.*a.csv' are called 'y'"),
        ("a.csv", "x [metr],y\n1,2\n2,3\n3,4\n4,5\n", "column 'x': unknown unit 'metr'"),
        ("a.csv", "x,y\n1,2\n2,oops\n3,4\n4,5\n", "column 'y' is not numeric: row 2 holds 'oops'"),
        ("a.csv", "x,y\n1,2\n2,3\n,4\n4,5\n", "column 'x': row 3 is empty or NaN"),
        ("a.txt", "x y z\n1 2\n3 4\n", "names 3 columns, its rows have 2"),
    ],
)
def test_mistakes_in_a_file(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(BalmerError, match=message):
        Dataset.from_file(path, "y")


def test_text_in_another_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("x [µm],y\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8 text"):
        Dataset.from_csv(path, "y")


def test_a_stray_word_far_down_a_text_file_is_found(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(200_000)) + "1.5,2\nword,3\n")
    with pytest.raises(DataError, match="column 'x' is not numeric: row 200002 holds 'word'"):
        Dataset.from_csv(path, "y")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"file '.*no.parquet' does not exist"):
        Dataset.from_parquet(tmp_path / "no.parquet")
    with pytest.raises(DataError, match="is not a file"):
        Dataset.from_parquet(tmp_path)
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        write_table(pa.table({"x": [1]}), tmp_path / "no" / "a.parquet")


def test_stored_roles_that_cannot_be_followed(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"x": [1, 2, 3, 4], "y": [1, 2, 3, 5], "z": [1, 2, 3, 6]})
    write_table(annotate(table, roles={"y": "target", "z": "target"}), path)
    with pytest.raises(DataError, match=r"2 columns of file '.*' have the role target; choose one of 'y',"):
        Dataset.from_parquet(path)
    assert Dataset.from_parquet(path, "z").feature_names == ("x",)

    field = pa.field("x", pa.int64(), metadata={"role": "label"})
    parquet.write_table(table.select(["x", "y"]).cast(pa.schema([field, table.schema.field("y")])), path)
    with pytest.raises(DataError, match="column 'x' has the unknown role 'label'; accepted are target"):
        Dataset.from_parquet(path, "y")


def test_annotations_of_columns_that_are_not_there():
    table = pa.table({"x": [1]})
    with pytest.raises(DataError, match="a role is given for 'q', which is no column; the columns are 'x'"):
        annotate(table, roles={"q": "target"})
    with pytest.raises(DataError, match="unknown role 'aim'"):
        annotate(table, roles={"x": "aim"})
    with pytest.raises(UnitError, match="column 'x': unknown unit 'metr'"):
        annotate(table, units={"x": "metr"})


def test_a_bad_unit_is_an_error_where_the_whole_table_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x [metr],y [s]\n1,2\n")
    with pytest.raises(UnitError, match="column 'x': unknown unit 'metr'"):
        read_table(path)
    assert read_table(path, units={"x": "m"}).schema.field("x").metadata == {b"unit": b"m"}
