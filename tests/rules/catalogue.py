"""The rules by name: each bullet of figure 2 of the Raft paper, and the ten rules of raftzmq's own core."""

from __future__ import annotations

RULES: dict[str, str] = {
    # Figure 2, state (§5.1, §5.2, §5.4)
    "current_term": "a node never forgets the newest term that it has seen, and never goes back to an older one",
    "voted_for": "a node never forgets whom it voted for in its term",
    "log": "a node never forgets entries that it has acknowledged; the first one has index 1",
    "commit_index": "what is known to be committed starts at what the state holds and only grows",
    "last_applied": "what the state has applied only grows",
    "next_index": "a new leader first takes every follower's log to be as long as its own",
    "match_index": "a new leader first takes nothing to be on any other node, and what it learns only grows",
    # Figure 2, AppendEntries, receiver
    "append_entries_1": "entries from an older term's leader are refused, and the refusal names the newer term",
    "append_entries_2": "entries are refused unless the entry right before them is here, of the same term",
    "append_entries_3": "an entry that conflicts with the leader's goes, and all behind it",
    "append_entries_4": "entries that are not here yet are appended; those that are here stay, whatever comes late",
    "append_entries_5": "the follower commits what the leader has, as far as their logs are known to agree",
    # Figure 2, RequestVote, receiver
    "request_vote_1": "a candidate of an older term is refused, and the refusal names the newer term",
    "request_vote_2": "one vote per term, and only for a log that is at least as up to date as one's own",
    # Figure 2, rules for servers
    "servers_apply": "whatever is committed is applied, in order, and nothing else",
    "servers_newer_term": "whoever hears of a newer term takes it on and follows",
    "followers_answer": "a follower answers candidates and leaders",
    "followers_campaign": "a follower that hears no leader and gives no vote for an election timeout campaigns",
    "candidates_begin": "a campaign takes the next term, votes for itself, waits anew, and asks everybody",
    "candidates_win": "votes of a majority of all voters make a leader",
    "candidates_yield": "a candidate follows a leader of its term",
    "candidates_again": "an election without a winner is followed by another, in a later term",
    "leaders_heartbeat": "a leader is heard at once after its election, and then often enough to stay leader",
    "leaders_propose": "a command is appended to the leader's log, and answered once it has been applied",
    "leaders_replicate": "a follower that lacks entries is sent them from next_index on; its answer moves the index",
    "leaders_commit": "an entry of the leader's own term that a majority has is committed, with all before it",
    # The design's own rules: `raftzmq.core`
    "rule_1": "what must wait for the disk waits in the core until the disk has it",
    "rule_2": "a message waits only for the term, vote or entries that it asserts",
    "rule_3": "one append at a time; a truncation takes back at once what an append under way would prove",
    "rule_4": "term, vote and entries that belong together are one write",
    "rule_5": "nothing is applied that one's own log might lose",
    "rule_6": "what is visible and what is durable are two things",
    "rule_7": "the log that replication needs is in memory",
    "rule_8": "time is handed in, and a process that was asleep hears first and judges then",
    "rule_9": "who hears a leader disturbs nobody; a read is as new as its asking",
    "rule_10": "a snapshot replaces only what is older: the state first, durably, then the log, then the answer",
}
"""Every rule in a sentence; `tests.rules` has a test of each, which fails without it."""
