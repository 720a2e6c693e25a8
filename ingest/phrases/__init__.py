"""Phrases by which a response says that it is an error, that it refuses, or that it takes back its own words.

Each pattern is looked for first; what speaks against it is looked at only where it was found, so an ordinary text costs
one pass. Expressions are RE2's.
"""

from ingest.phrases.corrections import takes_back
from ingest.phrases.errors import tells_error
from ingest.phrases.refusals import OPENING, refuses

__all__ = ["OPENING", "refuses", "takes_back", "tells_error"]
