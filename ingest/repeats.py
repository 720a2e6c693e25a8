"""Lines of a journal that stand there twice: a copy that was appended to its original, a file put together wrongly.

What such a line tells was told before. It is known by the number of its record and its text; another record with the
same number is one of its own. A run may have millions of lines, so 16 bytes of each are kept.
"""

from array import array
from bisect import bisect_left


class Repeats:
    """The numbered lines of one run."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._texts = array("q")
        self.count = 0
        """Lines that were there before."""

    def is_repeated(self, number: int, text: str) -> bool:
        """Whether a line with this number and this text was there before. Takes note of it."""
        if not self._numbers or number > self._numbers[-1]:
            self._numbers.append(number)
            self._texts.append(hash(text))
            return False
        place = bisect_left(self._numbers, number)
        repeated = self._numbers[place] == number and self._texts[place] == hash(text)
        self.count += repeated
        return repeated
