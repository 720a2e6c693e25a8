"""What the output of an execution says of its blocks: which one failed or was not taken, and which were only saved."""

import hashlib
import posixpath
import re

from ingest.extractors import Block, CodeFacts
from ingest.written import LookedAt

SAVED_AS = "code.filename"
"""The extractor of `# filename:` in a block's first line, under which AG2's command-line executor saves the block."""

REFUSED = "Filename is not in the workspace"
"""All that AG2's command-line executors say of a file outside their folder: then they save and run nothing."""

_NOT_TAKEN = re.compile(r"(?:unknown|Unsupported) language (\S{1,100})")
"""All that AG2's executors say of a block in a language that they don't take: they stop, and it is not saved either."""

ONLY_SAVED = "Code saved to "
"""How AG2's executors begin the whole path of a block in a language that they save and do not run."""

NOTHING = CodeFacts((), (), ())
"""What is in a block that was not run."""

_SCRIPT = re.compile(r'tmp_code_([0-9a-f]{32})\.py"')
"""How a traceback names the file of a block that has no name of its own: by the MD5 of its code."""

_PIP = re.compile(r"^(! ?pip install)(?!.*-qqq)", re.MULTILINE)
"""What AG2 makes silent in Python before it saves it: its name is the MD5 of that."""

MAX_NAMED = 256
"""Blocks of an execution that have names, the last ones, which are looked for in its output."""


def number_that_failed(blocks: list[Block], found: list[LookedAt], output: str) -> int | None:
    """The number of the block that failed, at which the executor stops, where the output tells which.

    A traceback names the file that the block was saved in: by the MD5 of the code, or its own name.
    """
    scripts, named = set(_SCRIPT.findall(output)), 0
    for number in range(len(blocks) - 1, -1, -1):
        names = [hit.path for hit in found[number][0].writes if hit.method == SAVED_AS] if named < MAX_NAMED else []
        named += bool(names)
        if (scripts and _script(blocks[number]) in scripts) or any(f'{name}"' in output for name in names):
            return number
    return None


def _script(block: Block) -> str:
    """What AG2 names the file of a block by."""
    is_silenced = "pip install" in block.code and (block.language or "").lower() == "python"
    return _md5(_PIP.sub(r"\1 -qqq", block.code) if is_silenced else block.code)


def number_not_taken(blocks: list[Block], output: str) -> int | None:
    """The number of the block at which the executor stopped because of its language, where the output says so."""
    said = _NOT_TAKEN.fullmatch(output.rstrip().rpartition("\n")[2])
    language = said[1].lower() if said else None
    return next((number for number, block in enumerate(blocks) if (block.language or "").lower() == language), None)


def without_saved(blocks: list[Block], found: list[LookedAt], output: str) -> list[LookedAt]:
    """What is in each block, of those that the executor only saved nothing but the name that they have."""
    lines = [line.rstrip() for line in output.split("\n") if line.startswith(ONLY_SAVED)]
    saved = {re.split(r"[/\\]", line)[-1] for line in lines}
    saved |= {posixpath.splitext(name)[0] for name in saved}
    kept = []
    for block, (fact, hashed) in zip(blocks, found, strict=True):
        own = tuple(hit for hit in fact.writes if hit.method == SAVED_AS)
        names = [posixpath.basename(hit.path) for hit in own] or [f"tmp_code_{_script(block)}"]
        kept.append((fact if saved.isdisjoint(names) else NOTHING._replace(writes=own), hashed))
    return kept


def saved_blocks(reached: list[tuple[Block, CodeFacts]], is_refused: bool) -> dict[str, str]:
    """The paths of the blocks that the executor saved; of one that it refused the path leads out of its folder."""
    return {
        hit.path: block.code
        for block, fact in reached
        for hit in fact.writes
        if hit.method == SAVED_AS and not (is_refused and _leads_out(hit.path))
    }


def _leads_out(path: str) -> bool:
    """Whether a path may lead out of the folder that it is taken from."""
    return posixpath.isabs(path) or posixpath.normpath(path).startswith("..")


def _md5(code: str) -> str:
    return hashlib.md5(code.encode(), usedforsecurity=False).hexdigest()
