"""Terms, roles and votes: how a node becomes leader, and how it stops being one (Raft §5.2, thesis 4.2.3 and 9.6)."""

from __future__ import annotations

from typing import Any, Protocol

from raftzmq.config import Timing
from raftzmq.core.log import Log
from raftzmq.core.messages import AppendEntries, InstallSnapshot, Message, RequestVote, RequestVoteResponse
from raftzmq.core.ready import Fact
from raftzmq.core.replication import Leadership
from raftzmq.core.roles import Candidate, Follower, Role
from raftzmq.core.types import EntryKind, HardState, Mark, make_entry
from raftzmq.errors import InvariantViolation

DISK_PATIENCE_ELECTIONS = 5
"""Maximum election timeouts that a leader gives its own disk for one step: far more than a slow sync takes, which must
depose nobody, and about what a move of the leadership costs the clients."""


class Randomness(Protocol):
    """The part of `random.Random` that the core uses."""

    def randrange(self, start: int, stop: int, /) -> int:
        """A number in ``[start, stop)``."""


class Elections:
    """The half of `Raft` that decides who leads.

    ``_messages`` may leave at once; ``_held`` wait for the term and vote that they assert to be durable.
    """

    def __init__(self, node: str, timing: Timing, rng: Randomness) -> None:
        self.node = node
        self.timing = timing
        self.current_term = 0
        self.voted_for: str | None = None
        self.log = Log(Mark(), ())
        self.commit_index = 0
        self.has_room = True
        self._rng = rng
        self._stored = HardState()
        self._state: Follower | Candidate | Leadership = Follower()
        self.leadership: Leadership | None = None
        """What the leader knows of its followers; None on any other role."""
        self.era = 0
        """Counts the changes of term, role and leader: while it stays, so do they."""
        self.deadline = 0
        """When `tick` is wanted next, in microseconds of the driver's clock: an election, or a leader's duties."""
        self._now = 0
        self._heard_leader_us: int | None = None
        self._heartbeat_us = 0
        self._quorum_us = 0
        self._writing_since_us: int | None = None
        self._applying_since_us: int | None = None
        self._installing: Mark | None = None
        self._held: list[Message] = []
        self._messages: list[Message] = []
        self._facts: list[Fact] = []

    @property
    def role(self) -> Role:
        """This node's role."""
        if isinstance(self._state, Follower):
            return Role.FOLLOWER
        if isinstance(self._state, Leadership):
            return Role.LEADER
        return Role.PRE_CANDIDATE if self._state.pre_vote else Role.CANDIDATE

    @property
    def leader(self) -> str | None:
        """The leader of the current term, as far as this node knows."""
        if isinstance(self._state, Leadership):
            return self.node
        return self._state.leader if isinstance(self._state, Follower) else None

    @property
    def voters(self) -> tuple[str, ...]:
        """The voters of the configuration in force."""
        return self.log.configuration.voters

    def tick(self, now_us: int) -> None:
        """Time is ``now_us``. A tick that comes far too late finds no fault with others before they were heard."""
        deadline = self.deadline
        self._now = max(self._now, now_us)
        if self._now < deadline:
            return
        late = self._now - deadline > self.timing.heartbeat_us
        if isinstance(self._state, Leadership):
            self._tick_leader(self._state, late=late)
        elif late:
            self.deadline = self._now + self.timing.heartbeat_us // 2
        elif self._may_campaign():
            self._campaign(pre_vote=True)
        else:
            self._reset_election_timer()

    def campaign(self) -> bool:
        """Start an election now, as a node does that is told to by the message TimeoutNow (thesis 3.10).

        Voters decide as ever, but none refuses because a leader is near; False where this node leads or its timer
        would start none either: it is no voter, its disk is full or hangs or still stores its vote, or its state is
        being replaced.
        """
        if self._may_campaign() and not isinstance(self._state, Leadership):
            self._campaign(pre_vote=False, told=True)
            return True
        return False

    def propose(self, data: bytes, kind: EntryKind = EntryKind.COMMANDS) -> int:
        """Append an entry as leader; its index. Raises InvariantViolation on another role: ask `role` first."""
        if not isinstance(self._state, Leadership):
            raise InvariantViolation("only a leader proposes")
        entry = make_entry(self.log.last_chain, self.log.last_index + 1, self.current_term, kind, data)
        self.log.append((entry,))
        return entry.index

    def set_room(self, has_room: bool) -> None:
        """Whether the disk has room for more than terms and votes.

        Without it a leader steps down, and so does who would become one; a follower takes no entries and doesn't
        campaign; it votes and answers all the same. All of that ends by itself when there is room again.
        """
        if has_room is self.has_room:
            return
        self.has_room = has_room
        self._fact("room", has_room=has_room)
        if not has_room and not isinstance(self._state, Follower):
            self._become_follower(self.current_term, None, "its disk is nearly full")

    def _may_campaign(self) -> bool:
        """Would this node lead well? While a snapshot takes the place of its state it has none to apply to."""
        able = self.node in self.voters and self.has_room and self._installing is None
        return able and not self._vote_under_way and not self._disk_hangs()

    @property
    def _vote_under_way(self) -> bool:
        """Is the vote of this term, for itself or another, still on its way to the disk?

        What asks for votes or gives one leaves only then (rule 2): an election that began before would undo it.
        """
        return self.voted_for is not None and self._stored != HardState(self.current_term, self.voted_for)

    def _vote_stored(self, took_us: int) -> None:
        """The vote is durable, after ``took_us``, and leaves: the timer that it restarted (§5.2) begins only now.

        Who is asked has a vote to store as well, on a disk that may be as slow: they get that time on top.
        """
        self._reset_election_timer()
        self.deadline += min(took_us, DISK_PATIENCE_ELECTIONS * self.timing.election_max_us)

    def _disk_hangs(self) -> bool:
        """Has this node's own log or state finished nothing for so long that others had better lead?

        Followers acknowledge without the leader's disk and its heartbeats go on, so nobody else would ever notice; but
        its state waits for its log (rule 5), and all of its clients for its state.
        """
        since = self._now - DISK_PATIENCE_ELECTIONS * self.timing.election_max_us
        return any(began is not None and began <= since for began in (self._writing_since_us, self._applying_since_us))

    def _fact(self, kind: str, **fields: Any) -> None:
        self._facts.append(Fact(kind, self.current_term, fields))

    def _reset_election_timer(self) -> None:
        spread = self._rng.randrange(self.timing.election_min_us, self.timing.election_max_us)
        self.deadline = self._now + spread

    def _leader_is_near(self) -> bool:
        """Was a leader heard within the minimum election timeout (thesis 4.2.3)? A leader hears itself."""
        heard = self._heard_leader_us
        if isinstance(self._state, Leadership):
            heard = self._state.quorum_heard_us(self._now)
        return heard is not None and self._now - heard < self.timing.election_min_us

    def _refuse_disruption(self, message: RequestVote) -> None:
        self._fact("disrupt_refused", candidate=message.sender, pre_vote=message.pre_vote)
        self._messages.append(
            RequestVoteResponse(self.node, message.sender, self.current_term, False, message.pre_vote)
        )

    def _change_role(self, state: Follower | Candidate | Leadership, reason: str) -> None:
        previous = self.role
        self._state = state
        self.leadership = state if isinstance(state, Leadership) else None
        self.era += 1
        if self.role is not previous:
            self._fact("role", role=str(self.role), previous=str(previous), reason=reason)

    def _set_term(self, term: int, voted_for: str | None, reason: str) -> None:
        previous = self.current_term
        self.current_term, self.voted_for = term, voted_for
        self.era += 1
        self._fact("term", previous=previous, reason=reason)

    def _become_follower(self, term: int, leader: str | None, reason: str) -> None:
        was_leading = isinstance(self._state, Leadership)
        if term > self.current_term:
            self._set_term(term, None, reason)
        self._change_role(Follower(leader), reason)
        if leader is not None:
            self._fact("leader", leader=leader)
        else:
            self._heard_leader_us = None
        if was_leading:
            self._reset_election_timer()

    def _follow(self, message: AppendEntries | InstallSnapshot) -> Follower:
        """The sender leads this term: this node's role as its follower. Raises InvariantViolation for a second one."""
        if isinstance(self._state, Leadership):
            raise InvariantViolation(f"{message.sender} leads term {message.term} as well")
        if not isinstance(self._state, Follower) or self._state.leader is None:
            self._become_follower(message.term, message.sender, f"{message.sender} leads")
        follower = self._state
        assert isinstance(follower, Follower)
        if follower.leader != message.sender:
            raise InvariantViolation(f"{message.sender} and {follower.leader} both lead term {message.term}")
        self._heard_leader_us = self._now
        self._reset_election_timer()
        return follower

    def _campaign(self, *, pre_vote: bool, told: bool = False) -> None:
        term = self.current_term + 1
        self._heard_leader_us = None
        if pre_vote:
            self._change_role(Candidate(True), "no leader was heard in time")
        else:
            self._set_term(term, self.node, "starts an election")
            why = "told to start an election" if told else "a majority would vote for this node"
            self._change_role(Candidate(False), why)
        self._reset_election_timer()
        self._fact("election", pre_vote=pre_vote, last_log_index=self.log.last_index)
        vote = RequestVoteResponse(self.node, self.node, term, True, pre_vote)
        requests = [
            RequestVote(self.node, voter, term, self.log.last_index, self.log.last_term, pre_vote, told)
            for voter in self.voters
            if voter != self.node
        ]
        if pre_vote:
            self._messages += requests
            self._on_request_vote_response(vote)
        else:
            # One's own vote too: a vote that a crash could undo might be cast twice (rule 2).
            self._held += [*requests, vote]

    def _on_request_vote(self, message: RequestVote) -> None:
        """Raft §5.2 and §5.4.1, and thesis 9.6 for a pre-vote, which promises nothing and so stores nothing."""
        up_to_date = self.log.up_to_date(message.last_log_index, message.last_log_term)
        if message.pre_vote:
            granted = up_to_date and message.term > self.current_term
            reason = "would vote" if granted else "its log is behind" if not up_to_date else "its term is not new"
        else:
            granted = up_to_date and self.voted_for in (None, message.sender)
            reason = "voted" if granted else "its log is behind" if not up_to_date else f"voted for {self.voted_for}"
        self._fact("vote", candidate=message.sender, granted=granted, pre_vote=message.pre_vote, reason=reason)
        term = message.term if granted else self.current_term
        answer = RequestVoteResponse(self.node, message.sender, term, granted, message.pre_vote)
        if message.pre_vote or not granted:
            self._messages.append(answer)
            return
        self.voted_for = message.sender
        if isinstance(self._state, Candidate):
            # It has only asked so far; by going on it would undo this vote, even before it is out.
            self._become_follower(self.current_term, None, f"votes for {message.sender}")
        self._reset_election_timer()
        self._held.append(answer)

    def _on_request_vote_response(self, message: RequestVoteResponse) -> None:
        campaign = self._state
        if not isinstance(campaign, Candidate) or campaign.pre_vote is not message.pre_vote:
            return
        asked = self.current_term + 1 if campaign.pre_vote else self.current_term
        if message.granted and message.term != asked:
            return
        elected = campaign.count(message.sender, message.granted, self.voters)
        if elected is False:
            self._become_follower(self.current_term, None, "a majority refused its vote")
        elif elected and campaign.pre_vote:
            self._campaign(pre_vote=False)
        elif elected:
            self._become_leader()

    def _become_leader(self) -> None:
        self._change_role(
            Leadership(self.node, self.current_term, self.log, self._now), "a majority voted for this node"
        )
        self._fact("leader", leader=self.node)
        self._heartbeat_us = self._now + self.timing.heartbeat_us
        self._quorum_us = self._now + self.timing.election_max_us
        self.deadline = min(self._heartbeat_us, self._quorum_us)
        self.propose(b"", EntryKind.NOOP)

    def _tick_leader(self, leader: Leadership, *, late: bool) -> None:
        if self._now >= self._quorum_us:
            if late:
                self._quorum_us = self._now + self.timing.heartbeat_us // 2
            else:
                self._quorum_us = leader.quorum_heard_us(self._now) + self.timing.election_max_us
                if self._now >= self._quorum_us:
                    self._become_follower(self.current_term, None, "no majority was heard in time")
                    return
        if self._now >= self._heartbeat_us:
            if not late and self._disk_hangs():
                self._become_follower(self.current_term, None, "its disk finishes nothing")
                return
            self._heartbeat_us = self._now + self.timing.heartbeat_us
            leader.start_round(self.commit_index, again=True)
            self._messages += leader.heartbeats(self.commit_index)
        self.deadline = min(self._heartbeat_us, self._quorum_us)
