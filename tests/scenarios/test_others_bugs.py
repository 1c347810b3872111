"""The bugs that others had, one by one: which scenario shows that it isn't here, or why it cannot be.

Each scenario fails once its guard is removed: `tests.rules.planted.fails_with` plants the bug and demands it.
"""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent

SCENARIOS: dict[str, tuple[str, ...]] = {
    "etcd #20418: a stale linearizable read after a pause": (
        "test_etcd_20418_a_late_answer_to_a_read_index",
        "test_etcd_20418_a_leader_that_slept_through_its_deposition",
    ),
    "etcd #14370: acknowledged before the log was synced": ("test_etcd_14370_answered_before_the_log_was_synced",),
    "etcd #13766: revisions differ after a crash under load": (
        "test_etcd_13766_the_applied_index_is_ahead_of_the_data",
    ),
    "etcd 3.5's postmortem: applied index in another transaction than the data": (
        "test_etcd_3_5_postmortem_the_data_is_ahead_of_the_applied_index",
    ),
    "etcd #13527, #15247: a slow sync holds heartbeats back": (
        "test_etcd_13527_15247_slow_syncs_look_like_dead_nodes",
    ),
    "etcd #18424: a client repeats what is not idempotent": ("test_etcd_18424_a_client_sends_again_what_was_executed",),
    "hashicorp/raft #503, #614, #666: the leader's disk hangs, its heartbeats go on": (
        "test_hashicorp_503_614_666_the_leaders_disk_hangs",
    ),
    "hashicorp/raft #524, #606: who was left out disturbs; pre-votes leave the majority leaderless": (
        "test_hashicorp_524_pre_votes_leave_the_majority_leaderless",
        "test_hashicorp_606_who_is_left_out_disturbs",
    ),
    "hashicorp/raft #611, #612: replication to one follower stops": (
        "test_hashicorp_611_612_replication_to_one_follower_stops",
    ),
    "hashicorp/raft #697, #704: an install keeps a conflicting tail": (
        "test_hashicorp_697_704_an_install_keeps_a_conflicting_tail",
    ),
    "dragonboat #156: a state that is older than its snapshot is accepted": (
        "test_dragonboat_156_a_state_older_than_its_log_is_accepted",
    ),
    "openraft #1802: committed without a quorum": ("test_openraft_1802_commit_without_a_quorum",),
    "dragonboat #256, #354: a wiped node comes back": ("test_dragonboat_256_354_a_wiped_node_comes_back",),
    "PySyncObj #84, #202: vote and term are not stored": ("test_pysyncobj_84_202_vote_and_term_are_not_stored",),
    "PySyncObj #197: the commit index is ahead of the journal after a crash": (
        "test_pysyncobj_197_the_commit_index_is_ahead_of_the_journal",
    ),
    "Raft §5.4.2, figure 8: an old term's entry is committed by counting": (
        "test_figure_8",
        "test_figure_8_unreliable",
        "test_a_scene_shows_what_it_is_about",
    ),
    "Howard & Abraham: partial partitions need PreVote and CheckQuorum": (
        "test_partial_partition_that_lets_one_node_depose_every_leader",
        "test_partial_partition_that_leaves_one_node_with_a_majority",
        "test_partial_partition_that_lets_a_leader_speak_and_not_hear",
    ),
}
"""Where each of them is shown."""

NOT_HERE: dict[str, str] = {
    "etcd #11456: locks without fencing": "there are no locks yet",
    "hashicorp/raft #524: a removed server": "members can't be removed yet; one that hears nobody is shown above",
}
"""What can't happen in what there is, and why."""


def test_every_scenario_is_there() -> None:
    """The table names tests by their names, so a test that is renamed or lost shows."""
    tests = {
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    named = [name for names in SCENARIOS.values() for name in names]
    assert set(named) - tests == set()
    ours = {
        name for name in tests if name.startswith(("test_etcd", "test_hashi", "test_open", "test_dragon", "test_py"))
    }
    assert ours - set(named) == set(), "a scenario that the table doesn't name"
