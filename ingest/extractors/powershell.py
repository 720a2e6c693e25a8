"""Files that the commands of PowerShell and of Windows' command line are given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ingest.extractors.model import Hit
from ingest.extractors.paths import is_local, looks_like_file

# commands by what they do with the path that they are given; of two paths the second is written
COMMANDS: Final = {
    **dict.fromkeys(
        "out-file set-content add-content export-csv export-clixml tee-object new-item start-transcript".split(),
        "write",
    ),
    **dict.fromkeys(
        "get-content gc type import-csv import-clixml get-filehash select-string expand-archive "
        "compress-archive".split(),
        "read",
    ),
    **dict.fromkeys("copy-item move-item rename-item copy move ren".split(), "copy"),
    # what is deleted, listed or looked for is not read
    **dict.fromkeys("remove-item del erase dir get-childitem get-item test-path".split(), ""),
    **dict.fromkeys("invoke-webrequest iwr invoke-restmethod start-bitstransfer".split(), ""),
}
# parameters that name what is written
TARGETS: Final = frozenset("-outfile -destination -destinationpath -outputpath -newname".split())


def command_files(program: str, rest: list[str]) -> Iterator[Hit]:
    """The files of one command whose name is in `COMMANDS`."""
    operation = COMMANDS[program]
    plain = 0
    for before, word in pairwise(["", *rest]):
        if word.startswith("-") or not is_local(word) or not looks_like_file(word) or "$" in word:
            continue
        if before.lower() in TARGETS:
            yield Hit(word, "write", "shell.program")
            continue
        plain += 1
        if operation == "copy":
            yield Hit(word, "read" if plain == 1 else "write", "shell.copy")
        elif operation:
            yield Hit(word, operation, "shell.program")
