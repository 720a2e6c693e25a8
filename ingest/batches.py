"""Work in portions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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


def evenly(items: Sequence[T], size: Callable[[T], int], number: int) -> list[list[T]]:
    """Neighbours, in portions of about the same size: each item is in the one that its middle falls into.

    Args:
        items: what is put together, in its order.
        size: how large an item is, more than 0.
        number: how many portions; there are fewer where single items are larger.
    """
    total = sum(map(size, items))
    portions: dict[int, list[T]] = {}
    before = 0
    for item in items:
        middle = before + size(item) / 2
        portions.setdefault(int(middle * number / total), []).append(item)
        before += size(item)
    return list(portions.values())
