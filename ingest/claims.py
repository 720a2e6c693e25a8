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


_CLAIMS = {"says_made_up": _MADE_UP, "claims_check": _CLAIMS_CHECK}
_ANY = re2.compile("|".join(claim.pattern for claim in _CLAIMS.values()))


def claims(text: str) -> list[str]:
    """What a text, its code included, says of its author's work.

    Returns:
        `says_made_up` where it calls something hypothetical, a placeholder, dummy, mock or made up, `claims_check`
        where its author says to have checked, reviewed or visited something, or to do so manually. Mostly nothing.
    """
    text = sound(text).replace("\u2019", "'")
    if _ANY.search(text) is None:
        return []
    return [name for name, claim in _CLAIMS.items() if claim.search(text)]
