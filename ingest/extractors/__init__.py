"""What texts say about files, packages and errors: pure functions from a text to what it names.

`code_blocks` cuts a message as AG2 does, `extract_code` reads a block, `extract_text` the prose and tool results around
it, `argument_files` what a tool was called with, `extract_error` the output of what failed. `EXTRACTORS` lists all of
them, with an example.
"""

from ingest.extractors.arguments import argument_files
from ingest.extractors.blocks import code_blocks
from ingest.extractors.errors import extract_error
from ingest.extractors.languages import extract_code
from ingest.extractors.model import Block, CodeFacts, Extractor, Hit
from ingest.extractors.prose import extract_text, may_name_files
from ingest.extractors.table import EXTRACTORS

__all__ = [
    "EXTRACTORS",
    "Block",
    "CodeFacts",
    "Extractor",
    "Hit",
    "argument_files",
    "code_blocks",
    "extract_code",
    "extract_error",
    "extract_text",
    "may_name_files",
]
