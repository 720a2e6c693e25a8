"""What an agent says of its own work that no table of events can show: that data are made up, that it looked itself.

Both are only words. They are noted on the turn, as evidence for whoever looks into why a run failed.
"""

import re2

from ingest.extractors.blocks import sound

_MADE_UP = re2.compile(r"(?i)\b(?:hypothetical(?:ly)?|placeholders?|dummy|mock|fictional|fictitious|made[- ]up)\b")
_CHECKED = (
    "check|verif|review|examin|confirm|visit|inspect|search|validat|cross-?(?:check|verif|referenc)"
    "|look(?:ed|ing) (?:at|up)"
)
_CLAIMS_CHECK = re2.compile(
    r"(?i)\b(?:manually|by hand)\b"
    rf"|\b(?:i|we)(?:'ve| have) (?:\w+ ){{0,2}}(?:{_CHECKED})"
    rf"|\b(?:after|having|upon) (?:\w+ ){{0,2}}(?:{_CHECKED})"
)


def says_made_up(text: str) -> bool:
    """Whether a text, its code included, calls something hypothetical, a placeholder, dummy, mock or made up."""
    return _MADE_UP.search(sound(text)) is not None


def claims_check(text: str) -> bool:
    """Whether a text says that its author checked, reviewed or visited something, or does so manually."""
    return _CLAIMS_CHECK.search(sound(text).replace("\u2019", "'")) is not None
