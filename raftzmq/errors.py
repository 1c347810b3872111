"""Every error raftzmq raises on purpose, as one tree.

::

    RaftzmqError
    ├── RequestError            what a client's call ended with
    │   ├── InvalidRequest      malformed, wrong type, unknown operation
    │   ├── TooLarge            past a limit of `raftzmq.config`
    │   ├── Overloaded          refused at the door; try again later
    │   ├── NoLeader            no node could take the request in time
    │   ├── Unreachable         no endpoint answered in time
    │   ├── Refused             the handshake was refused (wrong cluster, no common protocol version)
    │   ├── SessionExpired      the session's results are gone; nothing was executed
    │   ├── Compacted           the revision asked for is older than the history kept
    │   ├── Corrupted           the node found a row whose checksum is wrong
    │   ├── OutcomeUnknown      the write may or may not have been applied
    │   ├── DeadlineExceeded    no answer within the timeout
    │   ├── ClientClosed        the client was closed while the call waited
    │   └── RecordingFailed     the client's history can't be written, so nothing was sent
    └── NodeError               what ends a node's process
        ├── ConfigurationError  exit 10
        ├── IdentityError       exit 10
        ├── StorageError        exit 11
        ├── CorruptionError     exit 11
        ├── DirectoryInUse      exit 12
        └── InvariantViolation  exit 13

A request error says with ``definite`` whether the request was surely *not* applied.
"""

from __future__ import annotations

from typing import ClassVar


class RaftzmqError(Exception):
    """Root of the tree."""

    exit_code: ClassVar[int] = 1


class RequestError(RaftzmqError):
    """A client's request failed.

    ``code`` is the stable name that travels on the wire and in JSON; ``definite`` is True when the request
    was surely not applied, that is, only if every sending of it ended definitely.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, definite: bool = True) -> None:
        super().__init__(message)
        self.definite = definite

    @property
    def message(self) -> str:
        """The sentence for people: what happened, why, and what to do next."""
        return str(self.args[0])


class InvalidRequest(RequestError):
    """The request is malformed, of a wrong type, or names an unknown operation."""

    code = "invalid"


class TooLarge(RequestError):
    """A key, value, command or answer is past a limit of `raftzmq.config`."""

    code = "too_large"


class Overloaded(RequestError):
    """The node refused the request at its door because a queue is full."""

    code = "overloaded"
    exit_code = 7


class NoLeader(RequestError):
    """No leader could take the request within its timeout."""

    code = "no_leader"
    exit_code = 7


class Unreachable(RequestError):
    """No endpoint answered within the timeout."""

    code = "unreachable"
    exit_code = 7


class Refused(RequestError):
    """The handshake was refused: another cluster, or no protocol version in common."""

    code = "refused"
    exit_code = 7


class SessionExpired(RequestError):
    """The node does not know the session any more, so exactly-once cannot be promised; nothing was executed."""

    code = "session_expired"
    exit_code = 7


class Compacted(RequestError):
    """The revision asked for is older than the history that the store keeps."""

    code = "compacted"


class Corrupted(RequestError):
    """A stored row failed its checksum; the node refuses to return it."""

    code = "corrupted"


class OutcomeUnknown(RequestError):
    """The write may or may not have been applied; reading tells."""

    code = "outcome_unknown"
    exit_code = 8

    def __init__(self, message: str, *, definite: bool = False) -> None:
        super().__init__(message, definite=definite)


class DeadlineExceeded(RequestError):
    """No answer came within the timeout; ``definite`` tells whether anything can have been applied."""

    code = "deadline_exceeded"

    def __init__(self, message: str, *, definite: bool) -> None:
        super().__init__(message, definite=definite)


class ClientClosed(RequestError):
    """The client was closed before the answer came."""

    code = "closed"


class RecordingFailed(RequestError):
    """The file that the client records its history in can't be written; the call was not sent."""

    code = "recording_failed"


class NodeError(RaftzmqError):
    """A node cannot go on; its process exits with ``exit_code``."""


class ConfigurationError(NodeError):
    """The configuration is unusable (exit 10)."""

    exit_code = 10


class IdentityError(NodeError):
    """The data directory belongs to another node or cluster, or a known node's directory is empty (exit 10)."""

    exit_code = 10


class StorageError(NodeError):
    """A write, commit or sync failed; what was in flight is unknown (exit 11)."""

    exit_code = 11


class CorruptionError(NodeError):
    """Stored bytes fail their checksum or contradict one another (exit 11)."""

    exit_code = 11


class DirectoryInUse(NodeError):
    """Another process holds the data directory (exit 12)."""

    exit_code = 12


class InvariantViolation(NodeError):
    """Something that Raft makes impossible was seen; going on could lose data (exit 13)."""

    exit_code = 13


REQUEST_ERRORS: dict[str, type[RequestError]] = {
    kind.code: kind
    for kind in (
        InvalidRequest,
        TooLarge,
        Overloaded,
        NoLeader,
        Unreachable,
        Refused,
        SessionExpired,
        Compacted,
        Corrupted,
        OutcomeUnknown,
        DeadlineExceeded,
        ClientClosed,
        RecordingFailed,
    )
}


def request_error(code: str, message: str, *, definite: bool) -> RequestError:
    """Build the error that ``code`` names (`RequestError` itself for a code of a newer server)."""
    return REQUEST_ERRORS.get(code, RequestError)(message, definite=definite)
