"""Phrases by which a response says that it is an error, that it refuses, or that it takes back its own words.

Each pattern is looked for first; what speaks against it is looked at only where it was found, so an ordinary text costs
one pass. Expressions are RE2's. In the lists a blank stands for any white space.
"""

from typing import Any

import re2

OPENING = 300
"""Characters at the beginning in which a refusal is looked for, and after its beginning in which it may go on."""


def _any(*alternatives: str) -> str:
    return "(?:" + "|".join(alternatives).replace(" ", r"\s+") + ")"


# --- errors ---

_REASON = _any(
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
    + _any(
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
    + _any(
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


# --- refusals ---

_TO_DO = _any(
    # who `can't help but notice` notices
    r"help(?: (?:you|him|her|them|anyone|with|to|in|on|out|here|there|further|create|plan|make|write)\b"
    r"|\s*(?:[.,;:!?)]|$))",
    r"do (?:that|this|it|so|what|as|anything)\b",
    r"(?:assist|comply|provide|fulfill?|complete|continue|answer|respond|create|generate|write|produce|access|browse|open"
    r"|view|visit|execute|run|perform|engage|discuss|share|support|process|download|watch|proceed|offer|give)\b",
)
_TO_SERVE = "(?:help|assist|comply|engage|discuss|support|fulfill?|answer|respond|provide|offer|share)"
_SERVING = r"(?:help|assist|provid|creat|generat|shar|discuss|answer|do|giv|produc|engag|support|continu|complet)ing\b"
_REQUEST = r"(?:request|task|question|prompt|topic|assignment|conversation|debate|discussion)\b"
_THAT = rf"(?:such\b|(?:that|this|it|so|these|those)(?: (?:kind|one|{_REQUEST}))?\s*(?:[.,;:!?)]|$))"
"""What is asked for, as a whole: `to write this.`, and not `to write this to disk`."""

_RATHER_NOT = (
    r"(?:(?:answer|respond|comply|help|assist|engage|discuss|comment on|participate|take part|write|create|generate"
    rf"|give|produce|provide|share|do)(?: (?:with|to|in|about))? {_THAT}"
    r"|(?:answer|comply|help|assist|engage|participate|comment|say)\s*(?:[.,;!]|$)|talk about\b)"
)
_MODEL = r"an? (?:\w+ )?(?:language model|llm)"
_COMFORTABLE = (
    rf"comfortable (?:(?:with )?(?:{_SERVING}|writing (?:{_THAT}|about\b))"
    rf"|with (?:(?:this|that|your) (?:\w+ )?{_REQUEST}|{_THAT}))"
)
_GLADLY = r"(?:\w+ly |in good (?:conscience|faith) )?"
_ENGLISH = _any(
    rf"i (?:cannot|can't|can not|do(?:n't| not) have the ability to) {_GLADLY}{_TO_DO}",
    rf"i (?:must|have to) {_GLADLY}(?:decline|refuse)(?: to)? (?:{_TO_DO}|participate\b|take part\b)",
    rf"i (?:(?:must|have to) )?{_GLADLY}(?:decline|refuse)\s*(?:[.;!]|$)",
    rf"i (?:cannot|can't|can not|won't|will not)(?: {_GLADLY}(?:do|write|say|answer) (?:that|this|it))?\s*[.!]?\s*$",
    rf"i (?:cannot|can't|can not) {_GLADLY}tell you how to\b",
    rf"i {_GLADLY}(?:decline|refuse) to {_GLADLY}"
    rf"(?:{_RATHER_NOT}|{_TO_SERVE}\b|(?:complete|generate|write|produce|give)\b)",
    rf"i (?:(?:must|have to) )?{_GLADLY}(?:decline|refuse) (?:this|that|your) (?:\w+ )?{_REQUEST}\s*(?:[.,;:!?)]|$)",
    rf"i(?:'d| would) (?:rather|prefer) not (?:to )?{_RATHER_NOT}",
    rf"i(?:'m| am) not going to (?:{_RATHER_NOT}|(?:help|assist)\b)",
    rf"i(?:'m| am) (?:\w+ly )?(?:unable|not (?:able|allowed|permitted|authori[sz]ed)) to {_GLADLY}{_TO_DO}",
    # who `will not write` a file may only tell of a plan
    rf"i (?:won't|will not) (?:be able to )?{_GLADLY}{_TO_SERVE}\b",
    rf"i(?:'m| am)(?: \w+ly)? not (?:\w+ly )?{_COMFORTABLE}",
    rf"i do(?:n't| not) feel (?:{_COMFORTABLE}|able to {_TO_DO})",
    rf"it(?:'s| is| would be|'d be) (?:not appropriate|inappropriate|unethical|wrong) for me to {_TO_DO}",
    r"i do(?:n't| not) have (?:\w+ )?access to [^.!?\n]{0,80}"
    r"\bi(?: can't| cannot|(?:'m| am) (?:unable|not able))",
    rf"(?:that's|that is|this is) (?:not something|something) (?:that )?i (?:can|can't|cannot) {_TO_DO}",
)
_GERMAN = _any(
    r"(?:(?:es )?tut mir (?:sehr )?leid|entschuldigung|leider|bedauerlicherweise)[\s,.;:-]+(?:aber )?[^.!?\n]{0,60}"
    r"\b(?:kann ich|ich kann|darf ich|ich darf)\b[^.!?\n]{0,120}\bnicht (?:\w+ )?(?:helfen|weiterhelfen|behilflich"
    r"|unterstützen|antworten|beantworten|nachkommen|erfüllen|bereitstellen|geben|stellen|tun|durchführen)",
    r"(?:dabei|damit|das|hierbei|ich) kann (?:ich )?(?:(?:ihnen|dir|euch|dabei|damit|hierbei|das|leider) )*"
    r"nicht (?:weiterhelfen|helfen|behilflich|tun\b)",
    r"ich bin (?:leider )?nicht (?:in der lage|befugt|berechtigt)\b[^.!?\n]{0,80}"
    r"\bzu (?:helfen|beantworten|geben|unterstützen|erfüllen|erstellen|schreiben|tun)",
    r"als (?:eine? )?ki(?:-(?:sprach)?modell|-assistent(?:in)?|-system)? (?:kann ich|habe ich|bin ich)\b[^.!?\n]{0,80}"
    r"\b(?:nicht|kein(?:e[nmrs]?)?)\b",
)
_SPANISH = _any(
    r"(?:lo siento(?: mucho)?|lamentablemente|desafortunadamente|lo lamento|me temo que)[\s,.;:-]+(?:pero )?"
    r"no (?:(?:me|te|le|les) )?(?:puedo|es posible) (?:ayudar|asistir|proporcionar|cumplir|responder|contestar"
    r"|completar|realizar|hacer|acceder|ofrecer|dar|generar|crear|escribir|continuar|participar|brindar|atender)",
    r"no (?:(?:te|le|les) )?puedo (?:ayudar(?:te|le|les|lo|la)?|asistir(?:te|le)?) (?:con|en|a)\b",
    r"como (?:una? )?(?:modelo de lenguaje|ia|inteligencia artificial|asistente de ia)[^.!?\n]{0,40}"
    r"\bno (?:puedo|tengo (?:acceso|la capacidad))",
)
_FRENCH = _any(
    r"(?:(?:je suis )?(?:vraiment )?(?:désolé|navré)e?|malheureusement|je regrette)[\s,.;:-]+(?:mais )?je ne "
    r"(?:peux|puis|suis) pas (?:en mesure d(?:e |')|capable d(?:e |')|autorisée? à )?(?:(?:vous|te|y) |t')?(?:aider"
    r"|assister|fournir|répondre|faire|accéder|effectuer|donner|générer|créer|écrire|continuer|participer|traiter)",
    r"je ne (?:peux|puis) (?:malheureusement )?pas (?:vous |t')(?:aider|assister|fournir)",
    r"en tant (?:qu'(?:une? )?|que )(?:ia|intelligence artificielle|modèle de langage|assistante? ia)\b"
    r"[^.!?\n]{0,40}\bje (?:ne (?:peux|suis|dispose) pas|n'ai pas)",
)
# full-width punctuation is written as code points: it looks like ASCII's
_PAUSE = r"[\s,.!:\x{ff0c}\x{3002}\x{ff01}\x{ff1a}]*"
_CLAUSE = r"[^,\n\x{ff0c}\x{3002}\x{ff01}\x{ff1f}]"
_UNABLE = r"(?:无法|無法|不能|没办法|沒辦法|无权|無權)"
_SERVE = r"(?:提供|协助|協助|帮|幫|满足|滿足|回答|给出|給出|讨论|討論|参与|參與|支持)"
_CHINESE = _any(
    rf"[很真十分非常]*(?:抱歉|对不起|對不起|不好意思|遗憾|遺憾){_PAUSE}(?:但是?)?{_CLAUSE}{{0,15}}我{_CLAUSE}{{0,6}}{_UNABLE}"
    rf"{_CLAUSE}{{0,12}}(?:{_SERVE}|完成|处理|處理|访问|訪問|执行|執行|继续|繼續|生成|创作|創作|做)",
    rf"(?:[对對]此{_PAUSE})?我{_UNABLE}(?:[为為向给給对對][您你此])?{_SERVE}",
    r"作[为為](?:一[个個名位])?(?:AI|人工智能|人工智慧)?(?:大型)?(?:语言|語言)?(?:模型|助手|助理)?"
    rf"{_PAUSE}我{_CLAUSE}{{0,30}}(?:{_UNABLE}|没有|沒有|不具[备備])",
)
_LACKS = r"\b(?:cannot|can't|can not|do\s*n[o']t|won't|unable|not able|no (?:access|ability))\b"
_BEGINS = r"(?i)(?:^|[.!?:,\n\x{3002}\x{ff01}\x{ff1f}\x{ff1a}\x{ff0c}])[\s*_>\"-]*(?:"
_REFUSAL = re2.compile(
    _BEGINS
    + r"(?:(?:(?:(?:i'm|i am) )?(?:(?:so|very|really|truly) )?sorry|(?:my )?apologies|i apologi[sz]e|unfortunately"
    rf"|regrettably|(?:i'm|i am) afraid(?: that)?|as (?:an (?:ai|assistant)|{_MODEL})[\w\s-]{{0,60}})[\s,;:.-]*)?"
    r"(?:(?:but|however)[\s,]+)?".replace(" ", r"\s+")
    + f"{_ENGLISH})|"
    + _any(
        rf"\bas an ai\b[^.!?\n]{{0,80}}{_LACKS}",
        # of other language models than itself it may tell
        rf"\bas {_MODEL}\b,? i\b[^.!?\n]{{0,30}}{_LACKS}",
        rf"\bi(?:'m| am) (?:just |only )?{_MODEL}(?:,| (?:and|so|that|which|trained))\b[^.!?;\n]{{0,60}}{_LACKS}",
        r"\bi(?:'m| am) (?:just|only) an ai\b",
        r"\bi must (?:respectfully )?decline\b",
        r"\b(?:against|violates?) my (?:\w+ )?(?:guidelines|polic)",
        # of a cluster there are usage policies too
        r"\b(?:against|violates?) (?:the|our) (?:usage|content) (?:guidelines|polic(?:y|ies))"
        r"(?:\s*(?:[.,;:!?)]|$)| (?:and|so|on|of (?:openai|anthropic|google|microsoft|azure))\b)",
    )
)
_REFUSAL_ABROAD = re2.compile(f"{_BEGINS}{_GERMAN}|{_SPANISH}|{_FRENCH}|{_CHINESE})")
"""Apart from English: as one, the two would be more than RE2 has room for by default."""

_REPORTED = re2.compile(
    r"(?i)\b(?:answered|said|says|replied|replies|responded|wrote|told\s+\w+)\b[^\n.!?:]{0,40}:\s*[^\n]*|\"[^\"\n]*\""
)
_ESTIMATE = re2.compile(
    r"(?i)\b(?:good|best|rough|my|fair|reasonable|close)\s+(?:\w+\s+)?(?:estimate|guess|approximation)\b"
    r"|\b(?:approximately|roughly|around|about)\s+\p{Sc}?\d|估计|估計|大约|大約"
)
_OBSTACLE = re2.compile(
    r"(?i)\b"
    + _any(
        r"(?:is|are|was|were|does|do|did|has|have)(?:n't| not) (?:\w+ )?"
        r"(?:in|at|exist|there|found|installed|downloaded|saved|written|loaded|defined|created|parsed)",
        r"no such file|(?:is|are) missing|not found|permission denied|(?:is|was) (?:empty|corrupt|locked|deleted)",
    )
)
_STANDING_IN_THE_WAY = frozenset(
    "open access run execute process view read download write create visit perform continue proceed generate".split()
)
_ASKED = re2.compile(r"(?:^|[.!?;\n])\s*@?([A-Z]\w+),\s+(?:please|can\s+you|could\s+you)\b")
_NOBODY = frozenset(
    "instead however therefore alternatively otherwise unfortunately sorry then thus hence so also again next".split()
)
_WITHIN = r"(?:[^.!?\n]|[.!?]\w)"
_CONTRAST = re2.compile(
    rf"(?i)^{_WITHIN}{{0,200}}?(?:\bbut|[.!?,;:\n(\x{{2013}}\x{{2014}}-][\s*_>-]*"
    + _any(
        "but", "however", "nevertheless", "nonetheless", "still", "yet", "though", "although", "instead", "that said",
        "even so", "in any case", r"so here(?:'s|\s+(?:is|are))",
    )
    + rf")\b[\s,:]*({_WITHIN}*[.!?]?)"
)  # fmt: skip
"""The clause that a refusal is set against, in its own sentence or at the beginning of the next."""

_LEAST_SAID = 3
"""Words that such a clause has at least, if it is an answer."""

_ABILITIES = frozenset("open access run execute process view read download visit browse watch".split())
"""What somebody may be unable to do who answers all the same; behind what is refused for other reasons no answer is."""

_LIMITED = re2.compile(
    r"(?i)^[^.!?;,]{0,60}\b"
    + _any(
        "exact|precise|definite|definitive|specific|accurate|single|every|full|complete|here|directly|at once",
        "(?:with|in) one|to (?:the )?disk|with certainty|for (?:sure|certain)",
    )
    + r"\b"
)
"""A part or a way of what was asked for, behind the words that refuse it: the rest may be answered."""

_LACKS_BEING = re2.compile(r"(?i)\b(?:do\s*n[o']t|do\s+not)\s+(?:have|experience|feel)\b")

_TELLING = re2.compile(
    r"(?i)\b"
    + _any(
        r"(?:i|we|you|one) (?:(?:can|could|would|must|should|may|might|am able to) )?(?:\w+ ){0,2}"
        r"(?:tell|say|see|confirm|infer|conclude|deduce|report|note|know|remember|recall|read|estimate|assure)(?: you)?"
        r"(?: that| from| by| the)\b",
        r"(?:i|we) can (?:\w+ )?(?:give|show|tell|provide|summari[sz]e|describe|list|outline)\b[^.!?:\n]{0,60}: \w",
    )
)
_SENDING = re2.compile(
    r"(?i)\?$|^"
    + _any(
        r"(?:of course |[\w\s]{0,30},\s*|\w+ )?(?:i|we)(?:'(?:d|m|ll|re)| (?:am|are|can|can't|cannot|could|would"
        r"|will|won't|may|might|must|should|do not|don't|have (?:to|no)|hope|need|want|wish|look))\b",
        r"(?:(?:maybe|perhaps|instead|just|always|simply|rather),? )*(?:try|check|visit|go to|look|search|paste|upload"
        r"|send|share|ask|contact|consult|see|use|consider|refer|reach|remember)\b",
        r"(?:that|this|it)(?:'s| is) (?:how|what|why|all|my|just)\b",
    )
    + r"|\b"
    + _any(
        r"(?:i|we) (?:\w+ )?(?:suggest|recommend|advise|encourage|urge|invite|apologi[sz]e|understand|appreciate|refuse"
        r"|decline)\b",
        r"(?:please|feel free|let me know|hesitate|sorry|apolog(?:y|ies)|thanks?|let's|let us)\b",
        r"you(?:'d|'ll| (?:\w+ )?(?:can|could|may|might|should|would|will|need|must|have to))\b",
        r"if (?:you|there|anyone)\b|(?:can|could|may|might|will|would) (?:\w+ )?(?:help|assist)\b|available online\b",
        r"(?:happy|glad|pleased|willing|delighted|ready|here|able) to (?:\w+ )?(?:help|assist|offer|discuss|provide"
        r"|answer|support|chat|talk|share|give|explain|suggest)",
        r"(?:consult|contact|ask|seek|reach out|turn|talk|speak|refer|get in touch)(?:ing)? (?:to |with )?(?:an?|your"
        r"|someone|professional|qualified|medical|legal|help)\b",
        r"(?:lawyer|attorney|doctor|physician|therapist|professional|expert|specialist|counsell?or|advis[eo]r|team|agent"
        r"|colleague|staff|hotline|helpline|service|resource|site|website|source|platform|app|search engine)s?\b"
        r"[^.!?]{0,40}\b(?:can|could|would|will|may|might|offer|provide|help|available)\b",
        r"(?:is|are) (?:\w+ )?(?:resources|hotlines|alternatives|(?:other|many|plenty of) (?:\w+ )?(?:ways|options))",
        r"(?:important|best|better|advisable|recommended|a good idea|essential|crucial|possible) (?:to|that you)\b",
        r"(?:great|good|interesting|important|sensitive|fair|valid|difficult|complex|valuable|serious|delicate)"
        r" (?:question|topic|point|request|idea|skill|issue|matter|subject)",
        r"(?:illegal|unethical|harmful|immoral|inappropriate|offensive|(?:against|violates?) (?:the|my|our))\b",
    )
)
"""What is no answer: a question, an offer, advice, an apology, or somebody else who may help."""

_STEP = re2.compile(
    r"(?i)(?:\b(?:so|therefore|hence|thus|instead),?\s+(?:i|we)(?:'ll|'ve)?|(?:\bbut|\binstead,?|[.;!\n])\s*(?:i|we)(?:'ll|"
    r"\s+will)|\blet(?:'s|\s+me|\s+us))\s+(?:(?:will|have|now|first|then|just)\s+){0,3}(\w+)"
)
_NO_STEP = frozenset(
    "not can cannot could couldn am do don won will would must need have no to be know recommend suggest advise "
    "encourage apologize apologise may might ask hope only gladly never decline refuse explain guide walk talk chat "
    "focus change".split()
)
"""Words after `so I`, `let me` and their kin that take no other way."""


def refuses(prose: str) -> bool:
    """Whether a text begins with a refusal: its own words, and no other way taken."""
    if _refusal(prose) is None:
        return False
    own = _REPORTED.sub(" ", prose[: 2 * OPENING])
    if not re2.search(r"\w", own):
        own = prose[: 2 * OPENING]  # all of it stands in quotation marks
    refusal = _refusal(own)
    return refusal is not None and not _goes_on(refusal.group(), own[refusal.end() : refusal.end() + OPENING])


def _refusal(text: str) -> Any:
    """The match of the first refusal in the opening of a text, or None."""
    opening = text[:OPENING]
    return _REFUSAL.search(opening) or _REFUSAL_ABROAD.search(opening)


def _goes_on(refusal: str, rest: str) -> bool:
    """Whether a refusal is none, by what follows: an estimate, what stood in the way, whom it asks, another way, or an
    answer that it is set against."""
    if _ESTIMATE.search(rest):
        return True
    verb = refusal.split()[-1].lower()
    if verb in _STANDING_IN_THE_WAY and _OBSTACLE.search(rest):
        return True
    if any(match.group(1).lower() not in _NOBODY for match in _ASKED.finditer(rest)):
        return True
    if any(match.group(1).lower() not in _NO_STEP for match in _STEP.finditer(rest)):
        return True
    is_unable = verb in _ABILITIES or _LACKS_BEING.search(refusal + rest[:20]) is not None
    return (is_unable or _LIMITED.match(rest) is not None) and _answers_still(rest)


def _answers_still(rest: str) -> bool:
    """Whether the words after a refusal are set against it (`but`, `however`) and say something of their own."""
    contrast = _CONTRAST.search(rest)
    if contrast is None:
        return False
    clause = contrast.group(1)
    if len(clause.split()) < _LEAST_SAID:
        return False
    return _TELLING.search(clause) is not None or _SENDING.search(clause) is None


# --- corrections ---

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
_CORRECTION = re2.compile(
    r"(?i)"
    + _any(
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
)
_SUPPOSED = re2.compile(
    r"(?i)\b(?:if|in\s+case|whether|unless|should|suppos\w+|assuming|did|have|had|(?:n't|not)\s+(?:think|believe))"
    r"\s+(?:that\s+)?$"
)
_NONE = re2.compile(r"(?i)^\s+(?:nothing|no|none|(?:this|that|it) (?:may|might|could))\b")


def takes_back(prose: str) -> bool:
    """Whether a text takes back its own words; not in quotation marks, in a condition or in a question."""
    if _CORRECTION.search(prose) is None:
        return False
    own = re2.sub(r"\"[^\"\n]*\"", " ", prose)
    for match in _CORRECTION.finditer(own):
        start, end = match.span()
        if not (_SUPPOSED.search(own[max(0, start - 30) : start]) or _NONE.search(own[end : end + 15])):
            return True
    return False
