"""The table of extractors. A new one is a new row in the tuple of its kind of text."""

from __future__ import annotations

from ingest.extractors.arguments import ARGUMENTS
from ingest.extractors.calls import PYTHON_CALLS
from ingest.extractors.certain import CERTAIN
from ingest.extractors.latex import LATEX_FILES
from ingest.extractors.model import Extractor
from ingest.extractors.patterns import PATTERNS
from ingest.extractors.prose import PROSE
from ingest.extractors.python import MAGICS
from ingest.extractors.rooted import ROOTED
from ingest.extractors.scripts import SCRIPTS
from ingest.extractors.shell import SHELL

EXTRACTORS: tuple[Extractor, ...] = (
    *MAGICS,
    *PYTHON_CALLS,
    *SHELL,
    *PATTERNS,
    *SCRIPTS,
    *LATEX_FILES,
    *PROSE,
    *CERTAIN,
    *ROOTED,
    *ARGUMENTS,
)
