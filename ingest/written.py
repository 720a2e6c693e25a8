"""The code that agents wrote in messages, which others may run: whose code an execution ran."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ingest.extractors import Block, CodeFacts
from ingest.extractors.order import code_lines
from ingest.finder import remembered
from ingest.latest import Latest

REMEMBERED = 256
"""Messages with code that wait for an execution. AG2 looks back to when the executor last spoke."""

MAX_CODE = 32 * 1024 * 1024
"""Characters of code in them. The latest one waits whatever its length."""

LookedAt = tuple[CodeFacts, str | None]
"""What is found in a block, and its hash without what is the author's taste alone."""


@dataclass(slots=True)
class Written:
    """A message with code in it.

    Attributes:
        talk: the chat.
        turn: the event of the message.
        agent: who wrote it.
        begins: its first characters.
        blocks: the code.
        stored: how many of the blocks, the first ones, stand in rows of executions.
        looked_at: what is in the blocks, from when it is first asked for. They may be run many times.
        hashes: of the blocks; the same.
    """

    talk: str
    turn: str
    agent: str | None
    begins: str | None
    blocks: list[Block]
    stored: int = 0
    looked_at: list[LookedAt] | None = None
    hashes: list[str] | None = None

    def is_code(self, hashes: list[str]) -> bool:
        """Whether its blocks are the code with these hashes."""
        if len(hashes) == len(self.blocks) and self.hashes is None:
            self.hashes = [code_hash(block.code) for block in self.blocks]
        return self.hashes == hashes


class WrittenCode:
    """The messages with code that may be run, the latest ones.

    What is asked for is looked for among those that an executor did not write itself: first those of whom its output
    goes to, then those of the chat, and of all the latest first. AG2's database does not tell of chats at once which
    one it is.
    """

    def __init__(self) -> None:
        self._messages: Latest[int, Written] = Latest(REMEMBERED, MAX_CODE)
        self._kept = 0

    def keep(self, written: Written) -> None:
        """A message has code."""
        self._kept += 1
        self._messages.put(self._kept, written, sum(len(block.code) for block in written.blocks))

    def forget(self) -> None:
        """None of it is run any more."""
        self._messages.clear()

    def same(self, codes: list[str], executor: str | None, talk: str, to: str | None) -> Written | None:
        """The message whose blocks are just these.

        Args:
            codes: what was run.
            executor: who ran it.
            talk: in which chat.
            to: whom the output goes to, where that is known.
        """
        hashes = list(map(code_hash, codes))
        return next((w for w in self._of_others(executor, talk, to) if w.is_code(hashes)), None)

    def latest(
        self, executor: str | None, talk: str, to: str | None, languages: list[str] | None = None
    ) -> Written | None:
        """The latest message, if there is one in these languages of them; the rest as in `same`."""
        others = self._of_others(executor, talk, to)
        alike = (w for w in others if [block.language for block in w.blocks] == languages) if languages else iter(())
        return next(alike, None) or next(self._of_others(executor, talk, to), None)

    def _of_others(self, executor: str | None, talk: str, to: str | None) -> Iterator[Written]:
        for is_apart in product((False, True), repeat=2):  # mostly the first one is meant
            for written in reversed(self._messages.values()):
                apart = to is not None and written.agent != to, written.talk != talk
                if apart == is_apart and (written.agent != executor or executor is None):
                    yield written


def _hash(code: str) -> str:
    """First 16 hex digits of the SHA-256 of the code without white space at line ends and blank lines around it."""
    lines = [line.rstrip() for line in code_lines(code)]
    return hashlib.sha256("\n".join(lines).strip("\n").encode()).hexdigest()[:16]


code_hash = remembered(_hash, 256)
