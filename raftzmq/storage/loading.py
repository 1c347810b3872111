"""What a node starts from, put together from its log and its state once the two have been found to agree."""

from __future__ import annotations

from raftzmq.core.ready import Append
from raftzmq.core.types import HardState
from raftzmq.errors import CorruptionError
from raftzmq.kv.machine import StateMachine
from raftzmq.node.work import Loaded
from raftzmq.storage.identity import Identity
from raftzmq.storage.log import LogContents


def make_loaded(identity: Identity, log: LogContents, machine: StateMachine) -> Loaded:
    """The `Loaded` of a node; raises CorruptionError if the state isn't what this log has built."""
    check_agreement(log, machine)
    return Loaded(
        cluster_id=identity.cluster_id,
        node=identity.node,
        incarnation=identity.incarnation,
        current_term=log.hard_state.current_term,
        voted_for=log.hard_state.voted_for,
        mark=log.mark,
        entries=log.entries,
        peers=log.peers,
        applied_index=machine.applied_index,
        applied_term=machine.applied_term,
        log_time_us=machine.log_time_us,
        revision=machine.revision,
        digest=machine.digest,
    )


def interrupted_install(log: LogContents, machine: StateMachine, installed: int) -> Append | None:
    """What makes the log follow a snapshot that was installed right before a crash; None if there is none.

    ``installed`` is the index of the last install, 0 if there was none. Only a state that is exactly what was
    installed, before a log that has never begun there, was left so (rule 10); all other disagreement is damage.

    The term may not have reached the disk before the state did. Then no vote of it had left this node either.
    """
    if not installed or machine.applied_index != installed or log.mark.index >= installed:
        return None
    position = installed - log.mark.index - 1
    if position < len(log.entries):
        entry = log.entries[position]
        if (entry.term, entry.chain) == (machine.applied_term, machine.chain):
            return None
    term = machine.applied_term
    behind = log.hard_state.current_term < term
    return Append(HardState(term, None) if behind else None, snapshot=machine.mark)


def check_agreement(log: LogContents, machine: StateMachine) -> None:
    """Raise CorruptionError unless the state ends at an entry of the log, with the same term and chain value.

    An entry is applied only after it is durable here, so a state beyond its log means that the log lost something.
    """
    index = machine.applied_index
    if not log.mark.index <= index <= log.span.last:
        raise CorruptionError(
            f"the state has applied entry {index}, but the log goes from {log.mark.index} to {log.span.last}"
        )
    if index == log.mark.index:
        term, chain = log.mark.term, log.mark.chain
    else:
        entry = log.entries[index - log.mark.index - 1]
        term, chain = entry.term, entry.chain
    if (machine.applied_term, machine.chain) != (term, chain):
        raise CorruptionError(
            f"the state has applied entry {index} of term {machine.applied_term}, checksum {machine.chain:08x}; "
            f"the log has term {term}, checksum {chain:08x} there"
        )
