"""The map is the territory: one direction of imports, light imports, no Julia by accident, everything shipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "balmer"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_one_way():
    done = run(
        "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import balmer", "numba sympy pandas pyarrow pint pydantic scipy juliacall pysr"),
        ("import balmer; balmer.Dataset", "numba sympy pandas pyarrow pint juliacall pysr"),
        ("import balmer; balmer.Expression; balmer.parse", "numba sympy pandas juliacall pysr"),
        ("import balmer; balmer.discover", "sympy pandas pint juliacall pysr"),
        ("import balmer.cli", "numba sympy pandas pint juliacall pysr"),
    ],
)
def test_what_a_name_needs_is_imported_when_it_is_used(statement, absent):
    done = run("-c", f"{statement}\nimport sys\nprint(*[m for m in '{absent}'.split() if m in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_public_name_is_there():
    import balmer

    for name in balmer.__all__:
        assert getattr(balmer, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'discovery'"):
        balmer.discovery  # noqa: B018


def test_text_is_never_evaluated_or_unpickled():
    import ast

    forbidden = {"eval", "exec", "sympify", "parse_expr", "loads", "load_pickle", "lambdify"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                module = getattr(getattr(node.func, "value", None), "id", "")
                strict = called == "sympify" and any(k.arg == "strict" for k in node.keywords)
                allowed = strict or (called == "loads" and module in ("json", "tomllib"))
                assert called not in forbidden or allowed, f"{path.name} line {node.lineno} calls {called}"


def test_every_file_says_its_idea_in_its_first_line():
    for path in PACKAGE.rglob("*.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path
