"""What a value is in the core: fields that are set once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(kind: type[T]) -> type[T]:
    """A dataclass with slots, equal and hashed by its fields, whose fields are never set again.

    The type checker holds the last, not the interpreter: the constructor of a dataclass that is frozen at run time
    goes through ``object.__setattr__`` for each field and takes four times as long (0.6 µs instead of 0.16 for five
    fields, warm), and a put makes some forty values on its way through a cluster.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)
