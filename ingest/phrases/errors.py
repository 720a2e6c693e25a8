"""Phrases by which a short text is an error message."""

import re2

from ingest.phrases.words import alternatives

_REASON = alternatives(
    "bad request", "unauthori[sz]ed", "forbidden", "payment required", "not found", "method not allowed", "conflict",
    "request time-?out", "(?:payload|content) too large", "unprocessable (?:entity|content)", "too many requests",
    "internal server error", "not implemented", "bad gateway", "service (?:temporarily )?unavailable",
    "gateway time-?out", "overloaded",
)  # fmt: skip
_ENDS = (
    r"(?:\s*(?:$|[.,:;!?()\[\]{}\"'*`<\n]|[-\x{2013}\x{2014}]\s)|\s+(?:please|try|while|during|when calling|on our)\b)"
)
"""What may follow an error message; anything else makes it the subject of a sentence (`Status: 404 pages were`)."""

_ERROR_TEXT = re2.compile(
    r"(?i)^(?:\s*<[^>]{0,99}>)*\W*"
    + alternatives(
        # a number is a measure (`Error: 0.3 %`), unless it is a status
        rf"error(?:\s*:| -)\s*(?:[^\d\s~\x{{b1}}\x{{2248}}+-]|[45]\d\d(?:{_ENDS}|\s+{_REASON}))",
        rf"error_code\s*[:=]|error code\s*[:=]\s*(?:[45]\d\d{_ENDS}|[a-z]+_)",
        r"(?:error |(?:http(?:/[\d.]+)?|status)(?: (?:error|code|status))*\s*:?\s*)"
        rf"[45]\d\d(?: {_REASON})?{_ENDS}",
        rf"[45]\d\d\W{{1,3}}{_REASON}{_ENDS}",
        rf"(?:(?:sorry|oops)\W+)?(?:an?|the following) (?:\w+ ){{0,2}}error (?:has )?occurred(?:{_ENDS}| processing\b)",
        r"(?:(?:sorry|oops|hmm+)\W+)?something went wrong[\s.,!\x{2026}-]*(?:$|\b(?:please|try|if|while|on our)\b)",
        r"(?:the )?server had an error|(?:sorry\W+)?there was an error (?:while )?(?:processing|generating|with your)",
        r"(?:the|that|this) (?:model|server|engine|service) (?:is )?(?:currently |temporarily )?overloaded",
        r"(?:the )?(?:internal server error|bad gateway|gateway time-?out|too many requests)" + _ENDS,
        r"(?:the )?service (?:is )?(?:(?:temporarily|currently) )?unavailable" + _ENDS,
        r"(?:the )?rate\s*limit(?:ed| (?:exceeded|reached|error))"
        rf"(?:{_ENDS}| for (?:this|your|model|requests|\w+[-_.]\w))",
        rf"(?:(?:the|your) )?(?:request|connection) timed out(?:{_ENDS}| after \d)",
        rf"connection (?:error\W*$|(?:refused|reset|aborted)(?:{_ENDS}| by\b))",
        r"(?:the )?request failed with status(?: code)? [45]\d\d",
        r"upstream (?:connect|request) (?:error|timeout)",
        r"(?:this|the) model'?s maximum context length is \d+ tokens\W+(?:however|but)",
        r"(?:maximum )?context length exceeded" + _ENDS,
        "context_length_exceeded|insufficient_quota|you exceeded your current quota",
        rf"(?:invalid|incorrect) api key(?:{_ENDS}| provided)",
        r"error['\"]\s*:\s*\{\s*['\"](?:message|code|type)",
        r"traceback \(most recent",
        r"(?-i:(?:\w+\.){0,6}[A-Z]\w{0,60}(?:Error|Exception|Timeout):|(?:\w+\.){0,6}(?:exc|exceptions?|errors?)\.[A-Z]\w{0,60}:)",
        r"(?-i:Exception: )",
    )
)
_REMEDY = re2.compile(
    r"(?i)\b"
    + alternatives(
        "i'll", "i will", "i'm going to", "let me", r"let\W?s", "let us", "so (?:i|we|it|the|this)",
        "we (?:can|should|need|must)", "means", "(?:is|are|was|were|be|gets) raised", "raised (?:when|if|by|because)",
        "i (?:have )?(?:added|installed|fixed|changed|replaced|converted|renamed|wrapped|updated|removed|moved)",
        "indicates?", "suggests?", "(?:happens|occurs|arises|appears) (?:when|if|because|where)", "comes from",
    )
    + r"\b|(?:[.;:,]|\bthen|\band)\s+(?:define|rename|replace|convert|cast|install|wrap|fix)\s"
)  # fmt: skip


def tells_error(prose: str) -> bool:
    """Whether a short text is an error message, and not one that is explained or dealt with."""
    return _ERROR_TEXT.search(prose) is not None and _REMEDY.search(prose) is None
