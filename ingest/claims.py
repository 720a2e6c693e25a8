"""What an agent says of its own work that no table of events can show: that data are made up, that it looked itself.

Both are only words. They are noted on the turn, as evidence for whoever looks into why a run failed.
"""

from collections.abc import Callable

import re2

from ingest.extractors.blocks import sound
from ingest.occurring import occurring

AROUND = 60
"""Characters before and after such words in which something may speak against them."""

_MADE_UP = re2.compile(r"(?i)\b(?:hypothetical(?:ly)?|placeholders?|dummy|mock|fictional|fictitious|made[- ]up)\b")
_NOT_MADE_UP = re2.compile(
    r"(?i)(?:\b(?:no|not|nothing|never|without|avoid(?:s|ed|ing)?|instead of|rather than|than|replac(?:e|es|ed|ing)"
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
_OF_STATISTICS = re2.compile(r"(?i)^[\s-]+(?:columns?|cod(?:ing|ed)|features?|indicators?|regressors?)\b")
"""What stands behind `dummy` where it is a word of statistics."""
_OF_A_REHEARSAL = re2.compile(r"(?i)^[\s-]+(?:exam(?:ination)?|interview|trial)s?\b")
"""What stands behind `mock` where it is a rehearsal."""
_MOCKS = re2.compile(r"(?i)^\s+(?:out\s+)?(?:the|an?|all|any|its|our|your|every|external)\b")
_IN_TESTS = re2.compile(r"(?i)\b(?:(?:unit|integration|regression)[ -])?test(?:s|ed|ing)?\b|\bpytest\b|\bunittest\b")
"""Of a test, that it mocks what it is not about, is its craft."""
_FIELD = "(?:input|field|text ?(?:box|area)|search (?:box|bar))s?"
_BEHIND_FIELD = re2.compile(rf"(?i)\b{_FIELD} (?:with|has|have|having|gets?|shows?|displays?) (?:an? |the |some )?$")
_BEFORE_FIELD = re2.compile(rf"(?i)^\s+(?:text|label)s? (?:of|in|for|to) (?:an? |the |each )?(?:[\w-]+ )?{_FIELD}\b")
_BY_SELF = re2.compile(r"(?i)\b(?:i|we|i'll|we'll|i'm|we're|i've|we've|let's|let (?:me|us))\b[^.!?\n]*$")
_AGAIN = "(?:(?:double|triple|cross)[- ]?|re-?)?"
_CHECK = f"{_AGAIN}(?:check|verif|review|examin|confirm|visit|inspect|validat)|cross-?referenc|search"
_CHECKED = f"{_CHECK}|look(?:ed|ing) (?:at|up)"
_ADVERB = "(?:[a-z]+ly|just|then|also|already|now|first|again|still|myself)"
_CLAIMS_CHECK = re2.compile(
    r"(?i)\b(?:manually|by hand)\b"
    rf"|\b(?:i|we)(?:'ve| have) (?:\w+ ){{0,2}}(?:{_CHECKED})"
    rf"|\b(?:i|we) (?:{_ADVERB} ){{0,2}}(?:(?:{_CHECK})i?ed|looked (?:at|up))\b"
    rf"|\b(?:after|having|upon) (?:\w+ ){{0,2}}(?:{_CHECKED})"
)
_BY_AUTHOR = re2.compile(r"(?i)^(?:i|we)\b")
_NOT_SAID = re2.compile(
    r"(?i)\b(?:if|whether|once|unless|until|till|before|as soon as|in case|suppos(?:e|ing)|assum(?:e|ing)|provided|had"
    r"|have|has|did|do|should|could|would|may|might|must|ensure|make sure"
    r"|(?:please|to) confirm|wish|hopes?|what|neither of us"
    r"|(?:[^\W_i]|[\w'.]{2,})\s+(?:(?:has|have|just)\s+)?"
    r"(?:said|says?|told|claim(?:s|ed)?|thinks?|thought|wrote|believed?)"
    r")(?:\s+(?:us|me|them))?(?:\s+that)?\s+$|[\"'`\x{201c}\x{2018}]$"
)
"""What stands before `I` and `we` in questions, under conditions, in plans, and in what others say."""
_PLANNED = re2.compile(r"(?i)\b(?:when|by the time) (?:i|we)(?:'ve| have) [\w -]+$|\b(?:have|'ve) (?:\w+ )?to [\w-]+$")
_ASKED = re2.compile(r"^[^.!;:,\n?]*\?")
_NOT_OWN = re2.compile(
    r"(?i)\b(?:please|you|your|nobody|no one)\b[^.!?\n]*$"
    r"|(?:\b(?:not|never|without|instead of|rather than|avoid(?:s|ing)?|hardly|barely|scarcely|rarely|seldom"
    r"|nearly|almost)|n't)"
    r"\b(?:\s+[\w-]+){0,4}\s*$"
)
"""What stands before or in such words, in their sentence, where it is others who are to check, or nobody has."""
_OWN = re2.compile(r"(?i)^(?:please|you|your)\b.*\b(?:i|we)\b")
"""Words to others behind which the author speaks of itself again."""


def _is_made_up(before: str, found: str, after: str) -> bool:
    word = found.lower()
    if word.startswith("placeholder") and (_OF_SQL.search(after) or _is_of_field(before, after)):
        return False
    if word == "mock" and _MOCKS.search(after) and _IN_TESTS.search(before + after):
        return False
    if (word == "dummy" and _OF_STATISTICS.search(after)) or (word == "mock" and _OF_A_REHEARSAL.search(after)):
        return False
    return not (_NOT_MADE_UP.search(before) or _OF_A_PROGRAM.search(after))


def _makes_up(before: str, found: str, after: str) -> bool:
    """Whether it is the author who does so: the words of a critic name another one, or nobody."""
    return (
        _is_made_up(before, found, after)
        and _BY_SELF.search(before) is not None
        and _NOT_OWN.search(before) is None
        and _ASKED.search(after) is None
    )


def _is_of_field(before: str, after: str) -> bool:
    """Whether a placeholder is the text that a field shows while it is empty."""
    return _BEHIND_FIELD.search(before) is not None or _BEFORE_FIELD.search(after) is not None


def _is_own_check(before: str, found: str, after: str) -> bool:
    said = before + found
    if _BY_AUTHOR.search(found) and (_NOT_SAID.search(before) or _PLANNED.search(said) or _ASKED.search(after)):
        return False
    denied = _NOT_OWN.search(said)
    return denied is None or _OWN.search(denied.group()) is not None


_CLAIMS: dict[str, tuple[re2._Regexp, Callable[[str, str, str], bool]]] = {
    "says_made_up": (_MADE_UP, _is_made_up),
    "makes_up": (_MADE_UP, _makes_up),
    "claims_check": (_CLAIMS_CHECK, _is_own_check),
}
_signs = occurring(*dict.fromkeys(pattern.pattern for pattern, _ in _CLAIMS.values()))


def claims(text: str) -> list[str]:
    """What a text, its code included, says of its author's work.

    Returns:
        `says_made_up` where it calls something hypothetical, a placeholder, dummy, mock or made up, `makes_up` where
        its author says to use such, `claims_check` where its author says to have checked, reviewed or visited
        something, or to do so manually. Mostly nothing.
    """
    text = sound(text).replace("\u2019", "'")
    if _signs(text) is None:
        return []
    return [name for name, (pattern, holds) in _CLAIMS.items() if _says(text, pattern, holds)]


def _says(text: str, pattern: re2._Regexp, holds: Callable[[str, str, str], bool]) -> bool:
    """Whether a pattern is found where nothing around it speaks against it."""
    for match in pattern.finditer(text):
        start, end = match.span()
        if holds(text[max(0, start - AROUND) : start], match.group(), text[end : end + AROUND]):
            return True
    return False
