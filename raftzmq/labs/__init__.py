"""Lessons on real clusters: each does something to some nodes, tells what is seen and why, and is judged by the events.

A lab is a script and a judge that know nothing of each other. The script acts on the processes of a cluster of its own,
in lab mode, and says what it does; a collector records every event meanwhile. The judge reads that recording afterwards
and nothing else: what the script believes to have done counts for nothing.
"""
