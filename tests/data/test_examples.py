"""The tables in examples/data are whole (units, descriptions, sources) and hold the physics they show."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet, types

from balmer.data import Dataset

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("hubble", "hydrogen", "planets")


def test_these_are_all():
    assert {path.stem for path in (EXAMPLES / "data").glob("*.parquet")} >= set(NAMES)


@pytest.mark.parametrize("path", sorted((EXAMPLES / "data").glob("*.parquet")), ids=lambda path: path.stem)
def test_every_column_is_documented(path):
    schema = parquet.read_schema(path)
    assert schema.metadata[b"name"] == path.stem.encode()
    assert schema.metadata[b"source"]
    assert schema.metadata[b"description"]
    for field in schema:
        assert field.metadata[b"description"]
        assert field.metadata[b"role"]
        if not types.is_string(field.type):
            assert field.metadata[b"unit"]
    assert Dataset.from_parquet(path).has_all_units


def test_the_files_are_what_the_script_writes(tmp_path):
    runpy.run_path(str(EXAMPLES / "make_data.py"))["main"](tmp_path)
    for name in NAMES:
        made = parquet.read_table(tmp_path / f"{name}.parquet")
        shipped = parquet.read_table(EXAMPLES / "data" / f"{name}.parquet")
        assert made.equals(shipped, check_metadata=True)


def test_balmers_constant():
    data = Dataset.from_parquet(EXAMPLES / "data" / "hydrogen.parquet")
    n = data.X[0]
    np.testing.assert_allclose(data.y * (n**2 - 4) / n**2, 364.6, rtol=1e-5)


def test_keplers_third_law():
    data = Dataset.from_parquet(EXAMPLES / "data" / "planets.parquet")
    np.testing.assert_allclose(data.y / data.X[0] ** 1.5, 365.25, rtol=1e-3)


def test_hubbles_constant_of_1929():
    data = Dataset.from_parquet(EXAMPLES / "data" / "hubble.parquet")
    assert data.n_rows == 24
    slope, _ = np.polyfit(data.X[0], data.y, 1)
    assert slope == pytest.approx(454, abs=1)
    assert (data.target.unit / data.features[0].unit).text == "km/s/Mpc"
