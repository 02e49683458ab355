"""Many searches in one process with Julia, some of them interrupted: memory stays, and the session stays usable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal
import numpy as np
from balmer import Dataset, Problem
from balmer.engines import Budget, SearchSpace
from balmer.engines.julia import JuliaEngine

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

rng = np.random.default_rng(1)
a, b = rng.uniform(1, 5, (2, 500))
data = Dataset.from_arrays({"a": a, "b": b}, 2.5 * a**2 + np.sin(b) + 0.01 * rng.normal(size=500))
spaces = [SearchSpace(operators=text) for text in ("+ - * / square sqrt exp log sin cos", "+ * sin", "+ - * / exp")]
after_the_fifth = 0
for k in range(50):
    pressed = []

    def press(progress):
        if k % 10 == 7 and progress.evaluations > 3000 and not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    budget = Budget(evaluations=10**9 if k % 10 == 7 else 20_000)
    found = JuliaEngine().evolve(Problem(data, spaces[k % 3]), budget, seed=k, on_progress=press)
    assert found.front, k
    assert found.stopped == ("interrupted" if k % 10 == 7 else "evaluations"), (k, found.stopped)
    if k == 4:
        after_the_fifth = resident()
print(resident() / after_the_fifth)
"""


@pytest.mark.julia
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_fifty_searches_some_of_them_interrupted():
    # A process of its own: what other tests have left in memory does not count.
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.1
