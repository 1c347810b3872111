"""Checks of what a cluster stands on: ports, disk, limits, clock, versions, and whether its nodes agree.

Each check is a function that returns findings and changes nothing; what it needs is handed in.
"""
