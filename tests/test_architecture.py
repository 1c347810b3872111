"""The design's rules about files, layers and words, held by the test suite from the first commit."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "raftzmq"

FLOORS: dict[str, int] = {
    "errors": 0,
    "endpoint": 0,
    "checksum": 0,
    "heap": 0,
    "resident": 0,
    "port_owner": 0,
    "process_facts": 0,
    "standard_streams": 0,
    "parameters": 0,  # of commands, which benchmarks have, too
    "config": 1,  # its mistakes are errors
    "core": 2,
    "deployment": 2,
    # The bytes of the disk formats need the core's types alone, and kv seals its rows as the log seals its records.
    "records": 3,
    "kv": 4,
    "verify": 4,
    "codec": 5,
    "events": 6,
    # What a node asks of its driver and of storage: values and protocols only, so storage may know them.
    "node.work": 7,
    "storage": 8,
    "transport": 8,
    "node": 8,
    "client": 9,
    "runtime": 10,
    "collector": 10,
    # What judges a live cluster's events judges a simulated one's.
    "collector.auditor": 7,
    "simulation": 10,
    "backups": 10,
    "benchmarks": 11,
    "doctor": 11,
    "labs": 12,  # some measure what benchmarks measure
    # What there is to learn, which the collector's page lists, too.
    "labs.words": 2,
    "labs.syllabus": 3,
    "labs.runs": 3,
    "cli": 13,
    "aio": 14,
    "__main__": 14,
    "__init__": 14,  # what users import: nothing inside imports it
}
"""The floor of each module or package of raftzmq; the longest name that fits counts. Imports go down only."""

CORE_FORBIDDEN = {
    *("asyncio", "concurrent", "datetime", "io", "multiprocessing", "os", "pathlib", "queue", "random", "sched"),
    *("secrets", "select", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "tempfile", "threading"),
    *("time", "uuid"),
}
"""Clock, chance, files, threads and sockets: the core is a function of its inputs."""
AT_HOME = {
    "zmq": ("transport", "runtime", "client", "collector"),
    "lmdb": ("storage",),
}
"""Libraries that only some packages may import."""

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TOP_LEVEL = {"raftzmq", "bin", "tests", "bench", "supervisord.conf", "pyproject.toml", "README.md"}

# Spelled so that this file does not hold them.
FORBIDDEN = {
    r"\bTO" + r"DO\b": "an unfinished thought",
    r"\bFIX" + r"ME\b": "an unfinished thought",
    r"\bX" + r"XX\b": "an unfinished thought",
    r"NotImple" + r"mentedError": "a stub",
    r"(?<![\w.])/wo" + r"rk/": "a path of one machine",
    r"(?<![\w.])/ro" + r"ot/": "a path of one machine",
    r"(?<![\w.])/ho" + r"me/": "a path of one machine",
    r"py" + r"pi\.org|pythonhos" + r"ted\.org|deb" + r"ian\.org|npm" + r"js\.org": "the host of a registry",
}


def python_files(*directories: str) -> list[Path]:
    """The Python files below directories of the top level."""
    return sorted(path for directory in directories for path in (ROOT / directory).rglob("*.py"))


def text_files() -> list[Path]:
    """Every text file that people of the project wrote."""
    found = [path for name in ("raftzmq", "bin", "tests", "bench", ".ci") for path in (ROOT / name).rglob("*")]
    found += [ROOT / name for name in ("supervisord.conf", "pyproject.toml", "README.md", ".gitignore")]
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def module_name(path: Path) -> str:
    """``raftzmq/core/raft.py`` is ``core.raft``, ``raftzmq/core/__init__.py`` is ``core``."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def floor_of(module: str) -> tuple[str, int] | None:
    """The entry of FLOORS that a module belongs to."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in FLOORS:
            return name, FLOORS[name]
    return None


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything that a file imports, wherever in the file."""
    package = ["raftzmq", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module.split(".") if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"


def loaded_by_name(path: Path) -> Iterator[tuple[int, str]]:
    """Modules that a string names, as in a table of lazily loaded commands: an import all the same."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = re.fullmatch(r"(raftzmq(?:\.\w+)+)(?::\w+)?", node.value)
            if match and (PACKAGE / match[1].split(".")[1]).exists():
                yield node.lineno, match[1]


def inside(name: str) -> str:
    """The module of raftzmq that an imported name stands in: ``raftzmq.core.raft.Raft`` is ``core.raft``."""
    parts = name.split(".")[1:]
    while parts:
        path = PACKAGE.joinpath(*parts)
        if path.with_suffix(".py").exists() or path.is_dir():
            return ".".join(parts)
        parts.pop()
    return "__init__"


def test_every_module_has_a_floor() -> None:
    homeless = [str(p.relative_to(ROOT)) for p in python_files("raftzmq") if floor_of(module_name(p)) is None]
    assert not homeless, f"give these a floor in FLOORS, after the design: {homeless}"


def test_imports_go_down_only() -> None:
    wrong = []
    for path in python_files("raftzmq"):
        home = floor_of(module_name(path))
        assert home is not None, f"{path} has no floor"
        for line, name in [*imports_of(path), *loaded_by_name(path)]:
            if name.split(".")[0] != "raftzmq":
                continue
            target = floor_of(inside(name))
            if target is None or (target[0] != home[0] and target[1] >= home[1] and not own_part(home[0], target[0])):
                wrong.append(f"{path.relative_to(ROOT)}:{line} ({home[0]}, floor {home[1]}) imports {name} ({target})")
    assert not wrong, "\n".join(wrong)


def own_part(home: str, target: str) -> bool:
    """Is the target a part of the package itself, which has a lower floor of its own?"""
    return target.startswith(f"{home}.")


def test_the_core_is_a_function_of_its_inputs() -> None:
    wrong = []
    for path in python_files("raftzmq/core"):
        for line, name in imports_of(path):
            top = name.split(".")[0]
            if top != "raftzmq" and (top not in sys.stdlib_module_names or top in CORE_FORBIDDEN):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", sorted(AT_HOME))
def test_libraries_stay_where_they_belong(library: str) -> None:
    wrong = []
    for path in python_files("raftzmq"):
        home = module_name(path).split(".")[0]
        for line, name in imports_of(path):
            if name.split(".")[0] == library and home not in AT_HOME[library]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_no_file_is_too_long() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in text_files() if p.suffix in (".py", ".js")}
    long = [f"{p.relative_to(ROOT)}: {n} lines" for p, n in lengths.items() if n > FILE_LINES_MAX]
    assert not long, f"over {FILE_LINES_MAX} lines: {long}"


def test_no_function_is_too_long() -> None:
    long = []
    for path in python_files("raftzmq", "bin", "tests", "bench"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert not long, f"over {FUNCTION_LINES_MAX} lines: {long}"


def test_the_top_level_is_exactly_as_designed() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found == TOP_LEVEL


def test_no_forbidden_words() -> None:
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for pattern, what in FORBIDDEN.items():
                if re.search(pattern, line):
                    found.append(f"{path.relative_to(ROOT)}:{number} has {what}: {line.strip()}")
    assert not found, "\n".join(found)


def test_errors_are_caught_by_name() -> None:
    found = []
    for path in python_files("raftzmq", "bin", "tests", "bench"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found, f"bare excepts: {found}"


def test_tests_wait_for_conditions_not_for_time() -> None:
    found = []
    for path in python_files("tests"):
        for node in ast.walk(parsed(path)):
            sleeps = isinstance(node, ast.Attribute) and node.attr == "sleep" and ast.unparse(node.value) == "time"
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                sleeps = any(alias.name == "sleep" for alias in node.names)
            if sleeps:
                found.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    assert not found, f"time.sleep in tests: {found}"


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files("raftzmq", "bin", "tests", "bench")
        if path.read_text().strip() and not ast.get_docstring(parsed(path))
    ]
    assert not silent, f"no module docstring: {silent}"
