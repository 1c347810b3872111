"""Bytes on the wire: `peers` between nodes, `clients` between a client and a node.

Version negotiation, identity and limits are checked here and in the node, never assumed.
"""

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
"""The protocol versions that this release speaks."""
