"""What holds for every test: hypothesis repeats itself, and where nothing may be skipped, a skip is a failure."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from raftzmq.benchmarks import local_cluster
from raftzmq.runtime.choice import RUNTIMES
from tests.live.runtimes import BOTH, MIXED

if TYPE_CHECKING:
    from tests.live.clone import Clone

# The same examples on every machine, and no judgement of time: a slow machine is not a bug.
settings.register_profile(
    "raftzmq", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("raftzmq")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background has them ignore Ctrl-C, and so would every program under test.
    signal.signal(signal.SIGINT, signal.default_int_handler)

for name in ("COLUMNS", "LINES"):
    # The size of whoever's terminal runs the tests (workers are told it so) would be that of every program under test.
    os.environ.pop(name, None)

workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# The lower half is for the programs under test. Whoever replaces a worker that crashed has a number beyond the others'.
local_cluster.PORTS_PART = (workers + worker % workers, 2 * workers)

NO_SKIP = os.environ.get("RAFTZMQ_NO_SKIP", "") not in ("", "0")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose what runs the nodes of live clusters."""
    parser.addoption(
        "--runtime",
        choices=("usual", "both", MIXED, *RUNTIMES),
        default="usual",
        help="what runs the nodes of tests that start clusters: threads and coroutines in turn (both), several kinds "
        "in one cluster (mixed), or one only; usual, the default, is both, and mixed where a test takes long",
    )

    parser.addoption(
        "--labs",
        action="store_true",
        help="also run every lab, under both runtimes, and each without the cause of what it shows: some ten minutes",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the marks that are looked at here."""
    config.addinivalue_line("markers", "mixed: takes long, so it usually runs once, on a cluster of several runtimes")
    config.addinivalue_line("markers", "labs: one of the many runs of labs that --labs asks for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for."""
    if not config.getoption("--labs"):
        left_out = [item for item in items if item.get_closest_marker("labs")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a runtime under each that was chosen."""
    if "runtime" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--runtime")
        if chosen == "usual":
            chosen = "both" if metafunc.definition.get_closest_marker("mixed") is None else MIXED
        metafunc.parametrize("runtime", BOTH if chosen == "both" else [chosen], indirect=True, scope="module")


@pytest.fixture(scope="module")
def runtime(request: pytest.FixtureRequest) -> str:
    """The runtime of the nodes of this test's clusters."""
    return str(request.param)


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, where RAFTZMQ_NO_SKIP says that nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into a failure where the machine is meant to have every tool."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself whole."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.fixture(scope="session")
def clone_home() -> Iterator[Clone]:
    """A copy of the tree, set up once for all tests that use it: the installation takes longest."""
    from tests.live.clone import Clone

    home = Path(tempfile.mkdtemp(prefix="rz"))
    copy = Clone(home / "a tree")
    copy.fill()
    yield copy
    shutil.rmtree(home)


@pytest.fixture
def clone(clone_home: Clone) -> Iterator[Clone]:
    """The copy, with nothing running and no data, before and after."""
    from tests.live.clone import held_ports

    # One at a time on a machine, whoever else runs tests there: the local cluster's ports are fixed.
    with (Path(tempfile.gettempdir()) / "raftzmq-local-cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = held_ports()
        if held:
            pytest.skip(f"the local cluster's ports are in use (bin/down?): {held}")
        yield clone_home
        clone_home.clear()
