"""Packets that do not arrive: nftables on this machine's loopback, for the ports of one test."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def require() -> None:
    """Skip, by name, what is missing on this machine."""
    if shutil.which("nft") is None:
        pytest.skip("a partition needs nft (nftables)")
    if os.geteuid() != 0:
        pytest.skip("a partition needs root, for nft")


class Firewall:
    """A table of its own, gone with the context: what it dropped flows again."""

    def __init__(self) -> None:
        self._table = f"raftzmq_live_{os.getpid()}"

    def __enter__(self) -> Firewall:
        self._nft("add", "table", "inet", self._table)
        self._nft("add", "chain", "inet", self._table, "input", "{ type filter hook input priority 0; }")
        return self

    def __exit__(self, *_: object) -> None:
        self._nft("delete", "table", "inet", self._table)

    def drop_to(self, endpoint: str) -> None:
        """Drop every packet to a ZeroMQ endpoint's port, without a word to the sender."""
        self._drop("dport", endpoint)

    def drop_from(self, endpoint: str) -> None:
        """Drop every packet from a ZeroMQ endpoint's port: what is sent to it arrives, no answer comes back."""
        self._drop("sport", endpoint)

    def _drop(self, side: str, endpoint: str) -> None:
        port = endpoint.rpartition(":")[2]
        self._nft("add", "rule", "inet", self._table, "input", "tcp", side, port, "drop")

    def _nft(self, *arguments: str) -> None:
        done = subprocess.run(["nft", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"nft {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
