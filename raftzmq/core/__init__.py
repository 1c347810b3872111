"""Raft, as a deterministic function of its inputs: no clock, no randomness of its own, no socket, thread or file.

A driver feeds `Raft` with ``tick(now)``, ``step(message)``, ``propose(data)``, ``read_index(context)``,
``appended(append)``, ``applied(index)``, ``state_durable(mark)``, ``snapshot_installed(mark)``,
``snapshot_failed(peer)`` and ``set_room(has_room)``, then takes ``ready()`` and does what it says. That a snapshot got
through needs no input: the follower's own answer says so. The rules:

1. What must wait for the disk waits in here until ``appended()``. Storage never sees a message.
2. A message waits only for the term, vote or entries that it asserts. Votes (one's own too, even with a single voter)
   and RequestVote wait for their term and vote. The answer to entries waits until they are durable. Heartbeats are
   answered at once with ``match_index = min(matched, stable)``; ReadIndex traffic never waits for entries. A leader's
   AppendEntries may overtake its own disk (thesis 10.2.1).
3. At most one `Append` is in flight; what arrives meanwhile is the next one: group commit without a timer. Truncating
   from index k sets ``stable = min(stable, k - 1)`` at once; an append that was in flight then counts only below k.
4. Term, vote and entries travel in the same `Append`.
5. ``committed`` never passes ``min(commit_index, stable)``: the state never leads the log.
6. ``applied(index)`` means visible; ``state_durable(mark)`` that the state's transaction is on disk. Compaction goes by
   the latter alone, and is a later transaction of the log.
7. The log that is not compacted stays in memory, bounded in bytes; the core reads no disk after ``load()``.
8. Time is a number handed in. A tick that comes later than its deadline by over a heartbeat interval fires no election
   and no step-down but sets a short new deadline, so that what has arrived is heard first. A leader whose own log or
   state finishes nothing for several election timeouts steps down, and campaigns again only once it does: nobody else
   can tell, for its heartbeats go on and its followers acknowledge. Nobody campaigns while a vote of its own or for
   another is being stored, and the election timeout that follows begins when the vote leaves: on a disk slower than
   that timeout, each campaign would be ended by the next before it was out. A pre-vote stores nothing and so waits for
   nothing.
9. PreVote and RequestVote are refused while a leader was heard within the minimum election timeout (thesis 4.2.3).
   A read joins the *next* ReadIndex round, never one whose heartbeats have left; none before the term's first commit;
   the numbers of rounds are never reused.
10. A snapshot that ends at or below the commit index isn't installed; nor is one whose last entry the log has: then
   only the commit index rises and the suffix stays. Else the state is replaced first, durably, and then the log, in an
   `Append`; the answer waits for that. A crash between the two leaves a state beyond its log: the next start sets the
   log to the state's mark, before any vote.
"""

from raftzmq.core.raft import Raft
from raftzmq.core.roles import Role

__all__ = ["Raft", "Role"]
