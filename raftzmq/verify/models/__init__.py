"""Sequential specifications: what each operation does to an object when nothing else happens."""

from collections.abc import Mapping
from typing import Final

from raftzmq.verify.models.model import Model
from raftzmq.verify.models.register import Register
from raftzmq.verify.models.store import Store
from raftzmq.verify.models.strings import Strings

MODELS: Final[Mapping[str, Model]] = {
    "register": Register(),
    "strings": Strings(),
    "store": Store(),
    "empty-store": Store(empty=True),
}
"""The models by the names that histories use."""

__all__ = ["MODELS", "Model"]
