"""Phrases by which a response takes back its own words."""

import re2

from ingest.occurring import occurring
from ingest.phrases.words import alternatives

_AGAIN = (
    r"(?:re-?(?:calculate|compute|check|count|consider|think|examine|evaluate|read|do|phrase|state|verify|write|trace|visit)"
    r"|redo|revise|correct|double[- ]check|start over|think again|try (?:that |this )?again)\b"
)
_SLIPPED = (
    r"(?:made (?:an?|some) |forgot\b|mis\w+(?:ed|ead|took|spoke|stood)\b|missed\b|meant\b|overlooked\b|left out\b"
    r"|was (?:wrong|mistaken)|should have (?:said|written|used|been|\w+ed)\b|got (?:that|this|it) wrong"
    r"|(?:used|picked|gave|took|read|copied|added|divided|multiplied|counted|wrote|put|swapped|mixed)\b[^.!?\n]{0,40}"
    r"\b(?:wrong|incorrect|twice|instead|by mistake|up)\b)"
)
_WRONG = r"(?:not (?:right|correct|quite|true|what)|wrong|incorrect|a mistake|my mistake|the wrong)\b"
_LOOK_OUT = r"(?:wait|hold on|hmm+|oops|whoops|oh no|my bad|my mistake|sorry)[,.!\s\x{2026}\x{2014}-]+"
_STARTS = r"(?:^|[.!?\n\x{2014}])[\s*_]*"
_CORRECTION = r"(?i)" + alternatives(
    # an `error` that something follows may be an error bar, an error log or another thing that was made
    r"\bi(?:'ve| have)? made (?:an?|some|the) (?:\w+ )?(?:mistakes?\b|errors?(?:\s*(?:[.,;:!?)]|$)"
    r"| (?:in|with|when|while|by|on|about|here|there|earlier|before|above|and|that|because|as|during)\b))",
    r"\bi was (?:wrong|mistaken|incorrect)(?:[\s.,;:!?)]|$)",
    # who realized a plan has carried it out
    r"\bi (?:just |now )+reali[sz]ed? (?:that|i|my|we|there|it)\b",
    r"\bi (?:just |now )+reali[sz]ed? the [^.!?:;\n]{0,60}\b(?:wrong|incorrect|mistake|error|missing)\b",
    r"\bi stand corrected\b|\bi see my (?:mistake|error)\b",
    r"\bthere (?:was|is|were|are) (?:an? |some )?(?:\w+ )?(?:mistakes?|errors?) in my\b",
    r"\b(?:sorry|apologies)\W+(?:the|my) (?:earlier|previous|last|first) (?:\w+ )?(?:was|were|is) "
    r"(?:\w+ )?(?:wrong|incorrect|mistaken)\b",
    r"\bi (?:misspoke|misread|misunderstood|miscalculated|miscounted|overlooked)\b",
    r"\bi (?:gave|said|wrote|reported|stated)(?: (?:you|earlier|above|before|previously))* (?:is|was|are|were) "
    r"(?:\w+ )?(?:wrong|incorrect|mistaken|inaccurate)\b",
    r"\bi mixed up\b|\bi got (?:that|this|it) wrong\b|\bthat was my (?:mistake|error)\b",
    r"\b(?:let me|i (?:need|have|must) to) correct (?:myself|my)\b",
    r"\blet me (?:fix|redo|revise) my (?:\w+ )?"
    r"(?:answer|mistake|error|calculation|statement|claim|sum|result|count|response)\b",
    r"\bmy (?:previous|earlier|last|above|first|initial) (?:\w+ )?(?:was|were|is|contained|had) "
    r"(?:\w+ )?(?:wrong|incorrect|mistaken|inaccurate|errors?|mistakes?)\b",
    r"\bapolog(?:i[sz]e|ies) for (?:the|my|any|that) (?:\w+ )?"
    r"(?:mistake|error|confusion|oversight|misunderstanding|inaccura)",
    r"\bon second thought|\b(?:scratch|strike) that\b",
    rf"{_STARTS}(?:{_LOOK_OUT})+(?:(?:but|and|so|no|yes|ah)[,\s]+)?"
    rf"(?:actually\b|that(?:'s| is| was) (?:\w+ )?{_WRONG}|that can(?:'t|not) be\b|i {_SLIPPED}|let me {_AGAIN})",
    rf"{_STARTS}(?:wait|hold on|hmm+)[,.!\s\x{{2026}}\x{{2014}}-]+no\b",
    rf"{_STARTS}(?:no, )?actually,? "
    rf"(?:no\b|that(?:'s| is| was) {_WRONG}|i (?:was|made)\b|i {_SLIPPED}|let me {_AGAIN})",
    # without an apology it may be the code of others that is mended
    rf"{_STARTS}(?:sorry|oops|whoops|my (?:mistake|bad|apologies))\b[^.!?\n]{{0,40}}[,.!] "
    r"let me (?:fix|correct) (?:that|this|it)\b",
    rf"{_STARTS}(?:yes, |ah, |oh, )?you(?:'re| are) (?:\w+ )?(?:right|correct)\b"
    r"[^.!?\n]{0,30}[,.!;:\s\x{2014}-]+(?:and )?"
    rf"(?:i apologi[sz]e|my (?:apologies|mistake|bad)\b|(?:i'm |i am )?sorry\b|i {_SLIPPED})",
    r"(?:^|[.!?\n])[\s*_]*correction\s*\**\s*:\**\s*(?:the|it|i|that|this|my|there)\b",
    r"^\W*correction\s*\**\s*:",
)
_corrections = occurring(_CORRECTION)
_SUPPOSED = re2.compile(
    r"(?i)\b(?:if|in\s+case|whether|unless|should|suppos\w+|assuming|did|have|had|(?:n't|not)\s+(?:think|believe))"
    r"\s+(?:that\s+)?$"
)
_NONE = re2.compile(r"(?i)^\s+(?:nothing|no|none|(?:this|that|it) (?:may|might|could))\b")


def takes_back(prose: str) -> bool:
    """Whether a text takes back its own words; not in quotation marks, in a condition or in a question."""
    if _corrections(prose) is None:
        return False
    own = re2.sub(r"\"[^\"\n]*\"", " ", prose)
    for match in re2.finditer(_CORRECTION, own):
        start, end = match.span()
        if not (_SUPPOSED.search(own[max(0, start - 30) : start]) or _NONE.search(own[end : end + 15])):
            return True
    return False
