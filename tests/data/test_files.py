"""Units, roles and descriptions survive every way to disk and back."""

import string
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from balmer.data import (
    Dataset,
    annotate,
    apply_units,
    columns_of,
    describe_table,
    read_table,
    write_table,
)
from balmer.errors import DataError


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    return Dataset.from_arrays(
        {"v/c": rng.random(9), "λ": rng.random(9), "two words": rng.random(9)},
        rng.random(9),
        target="x'",
        units={"v/c": "", "λ": "µm", "x'": "km/s/Mpc"},
        weights=rng.random(9),
        sigma=rng.random(9) + 1,
        descriptions={"λ": "wavelength", "x'": "a rate, in “odd” units"},
        name="odd",
        description="names that break things",
        source="a test",
    )


def there_and_back(data, path, how):
    """Write and read a dataset in one of the ways of the world."""
    if how == "balmer":
        data.to_parquet(path)
        return Dataset.from_parquet(path)
    if how == "feather":
        data.to_feather(path)
        return Dataset.from_feather(path)
    if how == "pyarrow":
        data.to_parquet(path)
        parquet.write_table(parquet.read_table(path), path)
        return Dataset.from_parquet(path)
    if how == "arrow":
        return Dataset.from_arrow(data.to_arrow())
    if how == "pandas in memory":
        return Dataset.from_pandas(data.to_pandas().copy())
    if how == "pandas reads":
        data.to_parquet(path)
        return Dataset.from_pandas(pd.read_parquet(path))
    if how == "pandas writes":
        data.to_pandas().to_parquet(path)
        return Dataset.from_parquet(path)
    assert how == "pandas does both"
    data.to_parquet(path)
    pd.read_parquet(path).to_parquet(path)
    return Dataset.from_parquet(path)


WAYS = [
    "balmer",
    "feather",
    "pyarrow",
    "arrow",
    "pandas in memory",
    "pandas reads",
    "pandas writes",
    "pandas does both",
]


@pytest.mark.parametrize("how", WAYS)
def test_round_trip(data, tmp_path, how):
    again = there_and_back(data, tmp_path / "a.file", how)
    assert again.schema() == data.schema()
    assert again.columns == data.columns


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    str.strip
)


@pytest.mark.parametrize("how", WAYS)
@settings(max_examples=15, deadline=None)
@given(st.lists(names, min_size=2, max_size=4, unique=True))
def test_any_names_survive(tmp_path_factory, how, names):
    X = np.arange(len(names) * 4.0).reshape(4, len(names))
    some = Dataset.from_arrays(X[:, 1:], X[:, 0], names=names[1:], target=names[0], units={names[0]: "m"})
    again = there_and_back(some, tmp_path_factory.mktemp("names") / "a.file", how)
    assert again.schema() == some.schema()


printable = st.text(string.ascii_letters + "[](),;'\" é/", min_size=1).filter(
    lambda name: name == name.strip()
)


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(printable.filter(bool), min_size=2, max_size=4, unique=True),
    suffix=st.sampled_from([".csv", ".tsv", ".txt"]),
    unit=st.sampled_from([None, "m", "km/s/Mpc", "1"]),
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4, unique=True),
)
def test_text_keeps_names_units_and_every_bit(tmp_path_factory, names, suffix, unit, values):
    path = tmp_path_factory.mktemp("text") / f"a{suffix}"
    X = np.array([values] * (len(names) - 1)).T
    units = dict.fromkeys(names, unit)
    some = Dataset.from_arrays(X, values, names=names[1:], target=names[0], units=units)
    some.to_csv(path)
    again = Dataset.from_csv(path, names[0])
    assert again.units == some.units
    np.testing.assert_array_equal(again.X, some.X)
    np.testing.assert_array_equal(again.y, some.y)


def test_the_metadata_stand_where_the_format_says(data, tmp_path):
    data.to_parquet(tmp_path / "a.parquet")
    schema = parquet.read_schema(tmp_path / "a.parquet")
    assert schema.field("λ").metadata == {
        b"unit": "µm".encode(),
        b"role": b"feature",
        b"description": b"wavelength",
    }
    assert schema.field("x'").metadata[b"role"] == b"target"
    assert schema.field("weight").metadata == {b"role": b"weight"}
    assert schema.metadata[b"name"] == b"odd"
    assert schema.metadata[b"source"] == b"a test"


def test_what_the_user_says_overrides_what_is_stored(data, tmp_path):
    path = tmp_path / "a.parquet"
    data.to_parquet(path)
    other = Dataset.from_parquet(
        path, "λ", features=["x'", "v/c"], weights="two words", units={"λ": "nm", "v/c": None}, name="new"
    )
    assert other.feature_names == ("x'", "v/c")
    assert other.target.unit.text == "nm"
    assert other.units["v/c"] is None
    assert other.name == "new"
    np.testing.assert_array_equal(other.weights, data.X[2])
    assert other.sigma is None  # the stored uncertainty belongs to the stored target
    np.testing.assert_array_equal(Dataset.from_parquet(path, "x'").sigma, data.sigma)


def test_stored_roles_are_the_default(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"label": list("abcd"), "x": [1, 2, 3, 4], "y": [1, 2, 3, 5], "w": [1, 1, 2, 2]})
    write_table(annotate(table, roles={"label": "ignore", "y": "target", "w": "weight"}), path)
    data = Dataset.from_parquet(path)
    assert (data.feature_names, data.target.name) == (("x",), "y")
    np.testing.assert_array_equal(data.weights, [1, 1, 2, 2])
    assert Dataset.from_parquet(path, features=["x", "w"]).weights is None


@pytest.mark.parametrize("suffix", [".parquet", ".pq", ".feather", ".arrow", ".csv", ".tsv", ".txt"])
def test_the_ending_says_the_format(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    table = apply_units(pa.table({"r": [1.5, 2, 3, 4], "v": [1, 2, 3, 5]}), {"r": "Mpc", "v": "km/s"})
    write_table(table, path)
    data = Dataset.from_file(path, "v")
    assert {name: unit.text for name, unit in data.units.items()} == {"r": "Mpc", "v": "km/s"}
    assert data.name == "table"


def test_text_written_by_others(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("r [Mpc]   v [km/s]\n0.5   100\n1.0   -2e2\n  2.0   NaN\n3 4\n5 6\n")
    data = Dataset.from_file(path, "v", missing="drop")
    assert data.units["r"].text == "Mpc"
    np.testing.assert_array_equal(data.y, [100, -200, 4, 6])
    path = tmp_path / "b.csv"
    path.write_bytes("\ufeffr [Mpc]; v [km/s]\r\n0.5; 100\r\n1;2\r\n2;3\r\n3;5\r\n".encode())
    data = Dataset.from_file(path, "v")
    assert data.feature_names == ("r",)
    np.testing.assert_array_equal(data.y, [100, 2, 3, 5])


def test_numbers_that_turn_from_whole_to_broken_far_down_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(200_000)) + "0.5,1e3\n")
    data = Dataset.from_csv(path, "y")
    assert (data.n_rows, data.X[0, -1], data.y[-1]) == (200_001, 0.5, 1000)


def test_an_index_that_pandas_stored_is_no_feature(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [1, 2, 3, 5]})
    for index in (pd.Index([5, 6, 7, 8]), pd.Index([5, 6, 7, 8], name="id")):
        frame.set_index(index).to_parquet(path)
        assert Dataset.from_parquet(path, "y").feature_names == ("x",)


def test_only_the_columns_that_take_part_are_read(tmp_path):
    rng = np.random.default_rng(0)
    n = 200_000
    wide = pa.table({"x": rng.random(n), "y": rng.random(n)} | {f"junk{i}": rng.random(n) for i in range(18)})
    # A unit that nobody understands, in a column that nobody asked for.
    foreign = wide.schema.field("junk1").with_metadata({"unit": "smoot"})
    wide = pa.table(wide.columns, schema=wide.schema.set(3, foreign))
    for suffix in ("parquet", "feather"):
        path = tmp_path / f"a.{suffix}"
        write_table(wide, path)
        assert peak_memory(path, features=["x"]) < 0.6 * wide.nbytes


def test_a_table_is_in_memory_only_a_few_times(tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({name: rng.random(200_000) for name in "abcdy"})
    for suffix in ("parquet", "feather"):
        path = tmp_path / f"a.{suffix}"
        write_table(table, path)
        for missing in ("error", "drop"):
            assert peak_memory(path, missing=missing) < 3 * table.nbytes


def peak_memory(path, **options):
    """Return the bytes that Arrow and NumPy held at most while a fresh process read a file."""
    code = (
        "import tracemalloc, pandas, pyarrow.parquet;"
        "from balmer.data import Dataset;"
        "tracemalloc.start();"
        f"Dataset.from_file({str(path)!r}, 'y', **{options!r});"
        "print(pyarrow.default_memory_pool().max_memory() + tracemalloc.get_traced_memory()[1])"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(ran.stdout)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_table(pa.table({"x": [1, 2]}), path)
    before = path.read_bytes()
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])  # which neither can hold
    with pytest.raises(DataError, match="cannot be written"):
        write_table(pa.table({"x": union}), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_name_that_text_cannot_hold(tmp_path):
    with pytest.raises(DataError, match="holds a line break, which a text table cannot; use Parquet"):
        write_table(pa.table({"a\nb": [1, 2]}), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(DataError, match="cannot be written: Not a directory"):
        write_table(pa.table({"x": [1]}), tmp_path / "a" / "b.parquet")


def test_converting_keeps_types_and_roles(tmp_path):
    table = annotate(
        pa.table({"label": ["a", None], "n": [1, 2], "v": [1.5, np.nan]}),
        units={"v": "m/s"},
        roles={"v": "target", "label": "ignore"},
        descriptions={"v": "speed"},
        source="here",
    )
    write_table(table, tmp_path / "a.parquet")
    write_table(read_table(tmp_path / "a.parquet"), tmp_path / "b.feather")
    again = read_table(tmp_path / "b.feather")
    assert again.schema.types == table.schema.types
    assert [(c.name, c.role) for c in columns_of(again)] == [
        ("label", "ignore"),
        ("n", "feature"),
        ("v", "target"),
    ]
    assert columns_of(again)[2].unit.text == "m/s"
    assert again.schema.metadata[b"source"] == b"here"


def test_describing_a_table_needs_no_target():
    table = annotate(
        pa.table({"label": ["a", None, "b"], "v": [1.0, np.nan, 3.0]}),
        units={"v": "m/s"},
        descriptions={"v": "speed"},
    )
    described = describe_table(table)
    assert list(described.loc["v"]) == ["feature", "m/s", 1.0, 2.0, 3.0, 1, "speed"]
    assert described.loc["label", "missing"] == 1
    assert np.isnan(described.loc["label", "min"])


def test_metadata_of_others_are_kept():
    schema = pa.schema([pa.field("x", pa.int64(), metadata={"theirs": "1"})], metadata={"mine": "2"})
    table = apply_units(pa.table([[1]], schema=schema), {"x": "m"})
    assert table.schema.field("x").metadata == {b"theirs": b"1", b"unit": b"m"}
    assert table.schema.metadata[b"mine"] == b"2"
    assert apply_units(table, {"x": None}).schema.field("x").metadata == {b"theirs": b"1"}
