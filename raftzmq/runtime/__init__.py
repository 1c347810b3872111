"""The bodies of a node: sockets, a clock and executors around the same `raftzmq.node.Node`."""
