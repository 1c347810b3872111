"""Snapshot files for people: everything that a cluster stores, in one file that can be moved, checked and restored.

::

    writing ─▶ format ◀─ reading     the file: written under another name first, read with every checksum checked
    saving                           what goes into one: from a live cluster, or from a stopped node's directory

They hold keys with their revisions, as of one revision. Not to be confused with the snapshots that a leader sends to
a follower (`raftzmq.storage.snapshots`), which are whole environments with sessions in them, between nodes of one
cluster.
"""
