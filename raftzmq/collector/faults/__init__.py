"""Faults that somebody makes on purpose: `raftzmq chaos` and the page do them with the same code.

`cluster` is who there is and how to ask them, `links` what is done to messages and elections, `processes` what is done
to processes, through `supervisor` or by process id.
"""
