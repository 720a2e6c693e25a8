"""What an agent says of its own work that no table of events can show: that data are made up, that it looked itself.

Both are only words. They are noted on the turn, as evidence for whoever looks into why a run failed.
"""

from collections.abc import Callable

import re2

from ingest.extractors.blocks import sound

AROUND = 60
"""Characters before and after such words in which something may speak against them."""

_MADE_UP = re2.compile(r"(?i)\b(?:hypothetical(?:ly)?|placeholders?|dummy|mock|fictional|fictitious|made[- ]up)\b")
_NOT_MADE_UP = re2.compile(
    r"(?i)(?:\b(?:no|not|never|without|avoid(?:s|ed|ing)?|instead of|rather than|than|replac(?:e|es|ed|ing)"
    r"|remov(?:e|es|ed|ing)|import)|n't|%s|(?:^|[\s'\"`])\?['\"`]?)"
    r"(?:\s+(?:a|an|any|the|of|all|such|use|using|uses|used|contain|contains|is|are|be|with|these|those)){0,3}"
    r"(?:\s+[\w-]+,?\s+(?:or|and|nor))?\s+$"
)
"""What stands before such words where they say that nothing is made up, or are those of a program."""
_OF_A_PROGRAM = re2.compile(
    r"(?i)^(?:\s*[=(]|\.\w|\s+(?:import|variables?|encod(?:ing|ed)|attributes?|syntax|parameters?)\b"
    r"|\s+(?:in|for|of|against)\b[^.!?\n]{0,20}\b(?:sql|injection|quer(?:y|ies)|statements?)\b)"
)
_OF_SQL = re2.compile(r"(?i)^[^.!?\n]{0,40}\b(?:sql|injection|quer(?:y|ies)|statements?)\b")
_CHECKED = (
    "check|verif|review|examin|confirm|visit|inspect|search|validat|cross-?(?:check|verif|referenc)"
    "|look(?:ed|ing) (?:at|up)"
)
_CLAIMS_CHECK = re2.compile(
    r"(?i)\b(?:manually|by hand)\b"
    rf"|\b(?:i|we)(?:'ve| have) (?:\w+ ){{0,2}}(?:{_CHECKED})"
    rf"|\b(?:after|having|upon) (?:\w+ ){{0,2}}(?:{_CHECKED})"
)
_NOT_OWN = re2.compile(
    r"(?i)\b(?:please|you|your|nobody|no one)\b[^.!?\n]*$"
    r"|(?:\b(?:not|never|without|instead of|rather than|avoid(?:s|ing)?)|n't)\b(?:\s+[\w-]+){0,4}\s*$"
)
"""What stands before or in such words, in their sentence, where it is others who are to check, or nobody has."""
_OWN = re2.compile(r"(?i)^(?:please|you|your)\b.*\b(?:i|we)\b")
"""Words to others behind which the author speaks of itself again."""


def _is_made_up(before: str, found: str, after: str) -> bool:
    if found.lower().startswith("placeholder") and _OF_SQL.search(after):
        return False
    return not (_NOT_MADE_UP.search(before) or _OF_A_PROGRAM.search(after))


def _is_own_check(before: str, found: str, after: str) -> bool:
    denied = _NOT_OWN.search(before + found)
    return denied is None or _OWN.search(denied.group()) is not None


_CLAIMS: dict[str, tuple[re2._Regexp, Callable[[str, str, str], bool]]] = {
    "says_made_up": (_MADE_UP, _is_made_up),
    "claims_check": (_CLAIMS_CHECK, _is_own_check),
}
_ANY = re2.compile("|".join(pattern.pattern for pattern, _ in _CLAIMS.values()))


def claims(text: str) -> list[str]:
    """What a text, its code included, says of its author's work.

    Returns:
        `says_made_up` where it calls something hypothetical, a placeholder, dummy, mock or made up, `claims_check`
        where its author says to have checked, reviewed or visited something, or to do so manually. Mostly nothing.
    """
    text = sound(text).replace("\u2019", "'")
    if _ANY.search(text) is None:
        return []
    return [name for name, (pattern, holds) in _CLAIMS.items() if _says(text, pattern, holds)]


def _says(text: str, pattern: re2._Regexp, holds: Callable[[str, str, str], bool]) -> bool:
    """Whether a pattern is found where nothing around it speaks against it."""
    for match in pattern.finditer(text):
        start, end = match.span()
        if holds(text[max(0, start - AROUND) : start], match.group(), text[end : end + AROUND]):
            return True
    return False
