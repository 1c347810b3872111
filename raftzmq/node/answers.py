"""Frames of answers to clients, in parts where one message would be too large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raftzmq.codec.clients import Answer, Failure, encode_header, encode_results
from raftzmq.config import ANSWER_BYTES_MAX

_ROW_OVERHEAD = 48


def failure_frames(failure: Failure) -> list[bytes]:
    """The frames of a failure."""
    return [encode_header(failure)]


def result_frames(request: int, outcome: list[Any] | dict[str, Any]) -> list[bytes]:
    """The answer to a parcel: its results, or the error that kept all of it from being executed.

    Results of commands are numbers and flags, so a parcel's always fit into one message.
    """
    if isinstance(outcome, dict):
        return failure_frames(Failure(request, outcome["error"], outcome["message"], True))
    return [encode_header(Answer(request, 0, True)), encode_results(outcome)]


def _size(result: Any) -> int:
    """About how many bytes a query's result takes: a row, a range of rows, or something small."""
    if isinstance(result, list) and len(result) == 4 and isinstance(result[3], list):
        return sum(map(_size, result[3])) + _ROW_OVERHEAD
    if isinstance(result, (tuple, list)) and len(result) == 6 and isinstance(result[1], bytes):
        return len(result[0]) + len(result[1]) + _ROW_OVERHEAD
    return 2 * _ROW_OVERHEAD


def answer_frames(request: int, results: list[Any]) -> Iterator[list[bytes]]:
    """The answers to a read: as many messages as it takes, none much larger than ANSWER_BYTES_MAX or one result."""
    first = size = 0
    for position, result in enumerate(results):
        grown = size + _size(result)
        if position > first and grown > ANSWER_BYTES_MAX:
            yield [encode_header(Answer(request, first, False)), encode_results(results[first:position])]
            first, size = position, _size(result)
        else:
            size = grown
    yield [encode_header(Answer(request, first, True)), encode_results(results[first:] if first else results)]
