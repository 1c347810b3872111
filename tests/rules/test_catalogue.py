"""No rule without a test, no test without a rule, and each says where the rule stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.rules.catalogue import RULES


def held() -> Iterator[tuple[str, str, str]]:
    """(rule, name, docstring) of every test in this folder that holds a rule."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "rule":
                    assert isinstance(call.args[0], ast.Constant)
                    yield str(call.args[0].value), node.name, ast.get_docstring(node) or ""


def test_every_rule_has_a_test_and_every_test_a_rule() -> None:
    assert {name for name, _, _ in held()} == set(RULES)


def test_every_test_says_where_its_rule_stands() -> None:
    silent = [test for _, test, text in held() if not any(word in text for word in ("§", "hesis", "Design 2"))]
    assert silent == []
