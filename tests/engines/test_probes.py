"""What every engine must say of data, and of functions, whose structure is known."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from balmer import Dataset, Problem
from balmer.engines.finding import KINDS, Finding
from balmer.errors import ConfigError, DataError


def table(function, n=300, noise=0.0, seed=0, **box):
    rng = np.random.default_rng(seed)
    columns = {name: rng.uniform(low, high, n) for name, (low, high) in box.items()}
    y = function(**columns)
    noisy = y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=n)
    return Problem(Dataset.from_arrays(columns, noisy, target="f"))


def true(findings):
    return {
        (f.kind, frozenset({frozenset(f.variables), frozenset(f.rest)} - {frozenset()}))
        for f in findings
        if f.verdict
    }


def structure(text):
    """ "additive:ab|c product:ab" as `true` gives it."""
    items = (item.split(":") for item in text.split())
    return {(kind, frozenset(frozenset(group) for group in groups.split("|"))) for kind, groups in items}


CASES = {
    "two energies": (
        lambda m, v, g: m * v**2 / 2 + np.cos(g),
        {"m": (1, 3), "v": (1, 4), "g": (0, 3)},
        "additive:mv|g generalised_additive:mv|g compositional:mv",
    ),
    "overlap": (
        lambda x, y, z: z * np.exp(-((x - y) ** 2) / 2),
        {"x": (0, 3), "y": (0, 3), "z": (1, 3)},
        "multiplicative:xy|z generalised_additive:xy|z difference:xy compositional:xy",
    ),
    "velocities": (
        lambda u, v: (u + v) / (1 + u * v),
        {"u": (0.1, 0.9), "v": (0.1, 0.9)},
        "generalised_additive:u|v",
    ),
    "nothing": (lambda x, y: np.sin(x * y) + x, {"x": (0.5, 3), "y": (0.5, 3)}, ""),
}


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_found_and_nothing_else(engine, name, noise):
    function, box, expected = CASES[name]
    assert true(engine.probe(table(function, noise=noise, **box), seed=0)) == structure(expected)


def test_every_hypothesis_is_returned_with_the_names_of_the_features(engine):
    function, box, _ = CASES["overlap"]
    findings = engine.probe(table(function, n=100, **box), seed=0)
    assert all(isinstance(f, Finding) for f in findings)
    assert {f.kind for f in findings} >= set(KINDS) - {"irrelevant"}
    assert {name for f in findings for name in f.variables} == set(box)
    for f in findings:
        splits = f.kind in ("additive", "multiplicative", "generalised_additive")
        assert (set(f.variables) | set(f.rest) == set(box)) if splits else not f.rest


def test_noise_has_no_structure(engine):
    rng = np.random.default_rng(1)
    columns = {"a": rng.normal(size=300), "b": rng.normal(size=300)}
    findings = engine.probe(Problem(Dataset.from_arrays(columns, rng.normal(size=300))), seed=0)
    assert findings
    assert not true(findings)


def test_one_seed_gives_one_answer(make_engine):
    function, box, _ = CASES["velocities"]
    first, second = (
        engine.probe(table(function, n=150, noise=0.01, **box), seed=3)
        for engine in (make_engine(1), make_engine(2))
    )
    assert first == second


def test_one_feature_has_no_structure_to_test(engine):
    assert engine.probe(table(lambda x: x**2, x=(0, 1)), seed=0) == []


def test_the_callback_sees_progress_and_ends_a_probe(engine):
    function, box, _ = CASES["two energies"]
    shares = []

    def enough(progress):
        shares.append(progress.fraction)
        return len(shares) == 2

    engine.probe(table(function, n=1000, **box), seed=0, on_progress=enough)
    assert 1 <= len(shares) <= 40
    assert shares == sorted(shares)


def test_ctrl_c_keeps_what_was_found(engine):
    function, box, _ = CASES["two energies"]
    pressed = []

    def press_once(progress):
        if progress.fraction > 0 and not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    problem = table(function, n=1000, **box)
    findings = engine.probe(problem, seed=0, on_progress=press_once)
    assert pressed
    whole = {(f.kind, f.variables, f.rest): f for f in engine.probe(problem, seed=0)}
    assert 0 < len(findings) < len(whole)
    assert all(whole[f.kind, f.variables, f.rest] == f for f in findings)


def test_too_few_rows_are_named(engine):
    function, box, _ = CASES["velocities"]
    with pytest.raises(DataError, match="at least 20 rows of positive weight; there are 19"):
        engine.probe(table(function, n=19, **box), seed=0)


def test_a_function_is_probed_exactly(engine):
    def kinetic(m, v, g):
        return m * v**2 / 2 + np.cos(g)

    findings = engine.probe_function(kinetic, {"m": (1, 3), "v": (1, 4), "g": (0, 3)})
    assert true(findings) == structure(CASES["two energies"][2])


def test_what_a_function_raises_reaches_its_author(engine):
    def picky(x, y):
        raise LookupError("no such point")

    with pytest.raises(LookupError, match="no such point"):
        engine.probe_function(picky, {"x": (0, 1), "y": (0, 1)})
    with pytest.raises(ConfigError, match="the box of 'y'"):
        engine.probe_function(picky, {"x": (0, 1), "y": (1, 1)})


def test_a_finding_reads_as_a_sentence():
    finding = Finding("additive", ("m", "v"), ("g",), 0.4, 1.0, True)
    assert str(finding) == "additive: {m, v} | {g}: statistic 0.4 <= 1"
    assert str(Finding("ratio", ("x", "y"), (), 12.0, 3.0, False)) == "ratio: {x, y}: statistic 12 > 3"


def test_a_finding_says_what_its_statistic_says():
    with pytest.raises(ValueError, match="does not follow"):
        Finding("sum", ("x", "y"), (), 5.0, 3.0, True)
    with pytest.raises(ValueError, match="no kind of structure"):
        Finding("spherical", ("x", "y"), (), 1.0, 3.0, True)


def test_findings_from_arrays():
    findings = Finding.from_arrays(
        ["m", "v", "g"],
        ["additive", "product"],
        [[1, 1, 0], [1, 0, 1]],
        [[0, 0, 1], [0, 0, 0]],
        [0.5, 9],
        [3, 3],
    )
    assert findings == [
        Finding("additive", ("m", "v"), ("g",), 0.5, 3.0, True),
        Finding("product", ("m", "g"), (), 9.0, 3.0, False),
    ]
    with pytest.raises(ValueError, match="shape"):
        Finding.from_arrays(["m"], ["sum"], [[1, 1]], [[0]], [1.0], [3.0])
    with pytest.raises(ValueError, match="statistics"):
        Finding.from_arrays(["m", "v"], ["sum"], [[1, 1]], [[0, 0]], [1.0, 2.0], [3.0])
