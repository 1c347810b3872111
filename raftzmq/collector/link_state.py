"""What is wrong on purpose with the messages from one node to another, as far as ``fault`` events tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from raftzmq.collector.node_state import ITEMS_MAX, Count, count, count_or_none, flag, ppm, text


class LinkState(msgspec.Struct, frozen=True):
    """The faults in force on a link. Probabilities are in millionths, since the state has whole numbers only.

    ``until_ms`` is the wall clock's time at which they end by themselves, as the node said when they began.
    """

    cut: bool
    drop_ppm: Count
    duplicate_ppm: Count
    delay_us: Count
    jitter_us: Count
    until_ms: Count | None


Links = dict[str, dict[str, LinkState]]
"""By the node that sends, and by the one that is sent to."""


def fold_fault(links: Links, e: Mapping[str, Any]) -> None:
    """Take in a ``fault`` event; raises KeyError, TypeError or ValueError for one that isn't well made."""
    if e["peer"] is None:
        return  # an election on request
    sender, peer = text(e["node"]), text(e["peer"])
    of_sender = dict(links.get(sender, {}))  # replaced, never changed: a copy of the state may share it
    if e["what"] in ("set", "changed"):
        if peer not in of_sender and len(of_sender) >= ITEMS_MAX:
            raise ValueError(peer)
        for_us = count_or_none(e["for_us"])
        until_ms = None if for_us is None else count(int(e["ts"] * 1000) + for_us // 1000)
        of_sender[peer] = LinkState(
            flag(e["cut"]),
            ppm(e["drop"]),
            ppm(e["duplicate"]),
            count(e["delay_us"]),
            count(e["jitter_us"]),
            until_ms,
        )
    elif e["what"] in ("ended", "healed"):
        of_sender.pop(peer, None)
    if of_sender:
        links[sender] = of_sender
    else:
        links.pop(sender, None)
