"""The tree of errors: codes that travel, exit codes that scripts rest on, and what is definite."""

from __future__ import annotations

import re

import pytest

from raftzmq import errors
from raftzmq.errors import (
    REQUEST_ERRORS,
    DeadlineExceeded,
    InvalidRequest,
    NodeError,
    OutcomeUnknown,
    RaftzmqError,
    RequestError,
    request_error,
)

CODES = {
    "invalid": 1,
    "too_large": 1,
    "overloaded": 7,
    "no_leader": 7,
    "unreachable": 7,
    "refused": 7,
    "session_expired": 7,
    "compacted": 1,
    "corrupted": 1,
    "outcome_unknown": 8,
    "deadline_exceeded": 1,
    "closed": 1,
    "recording_failed": 1,
}
"""The stable name of each request error, and the exit code of a command that ends with it."""

EXITS = {
    "ConfigurationError": 10,
    "IdentityError": 10,
    "StorageError": 11,
    "CorruptionError": 11,
    "DirectoryInUse": 12,
    "InvariantViolation": 13,
}
"""What ends a node, and its process's exit code."""


def classes() -> list[type[RaftzmqError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [kind for kind in found if issubclass(kind, RaftzmqError)]


def test_codes_and_exit_codes_are_stable() -> None:
    assert {code: kind.exit_code for code, kind in REQUEST_ERRORS.items()} == CODES
    assert {kind.__name__: kind.exit_code for kind in NodeError.__subclasses__()} == EXITS


def test_every_request_error_has_a_code_of_its_own() -> None:
    assert set(REQUEST_ERRORS.values()) == set(RequestError.__subclasses__())
    assert all(kind.code == code for code, kind in REQUEST_ERRORS.items())


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(kind.__name__ for kind in classes() if kind is not RaftzmqError)
    exits = dict(re.findall(r"── (\w+) +exit (\d+)", errors.__doc__ or ""))
    assert {name: int(code) for name, code in exits.items()} == EXITS


@pytest.mark.parametrize("code", [*CODES, "something_newer"])
@pytest.mark.parametrize("definite", [True, False])
def test_an_error_is_built_from_what_travelled(code: str, definite: bool) -> None:
    error = request_error(code, "a sentence", definite=definite)
    assert type(error) is REQUEST_ERRORS.get(code, RequestError)
    assert (error.message, str(error), error.definite) == ("a sentence", "a sentence", definite)


def test_what_is_definite_unless_somebody_says_otherwise() -> None:
    assert InvalidRequest("x").definite
    assert not OutcomeUnknown("x").definite
    with pytest.raises(TypeError):
        DeadlineExceeded("x")  # type: ignore[call-arg]


def test_node_errors_are_no_request_errors() -> None:
    """What ends a node must never be taken for one client's mistake and answered."""
    assert not any(issubclass(kind, RequestError) for kind in classes() if issubclass(kind, NodeError))
