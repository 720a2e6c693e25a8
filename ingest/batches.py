"""Work in portions."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size: Callable[[T], int], limit: int, most: int | None = None) -> Iterator[list[T]]:
    """Neighbours, so many together as stay within a limit; what is larger by itself is alone.

    Args:
        items: what is put together, in its order.
        size: how large an item is.
        limit: the largest sum of sizes.
        most: how many items, at most.
    """
    batch: list[T] = []
    total = 0
    for item in items:
        if batch and (total + size(item) > limit or len(batch) == most):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch
