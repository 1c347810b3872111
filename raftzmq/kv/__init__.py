"""The key-value state machine: a deterministic function of the log over a small `Table` protocol.

Pure: no clock, no randomness, no file. LMDB and the simulator's memory put their tables underneath.
"""
