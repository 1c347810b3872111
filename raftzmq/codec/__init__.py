"""Bytes on the wire: `peers` between nodes, `clients` between a client and a node.

Version negotiation, identity and limits are checked here and in the node, never assumed.
"""

PROTOCOL_MIN = 2
PROTOCOL_MAX = 2
"""The protocol versions that this release speaks. 2: peers' messages carry stamps, clients' requests tags."""
