"""Phrases by which a response refuses, and what speaks against that."""

from typing import Any

import re2

from ingest.occurring import occurring
from ingest.phrases.words import alternatives

OPENING = 300
"""Characters at the beginning in which a refusal is looked for, and after its beginning in which it may go on."""

_TO_DO = alternatives(
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
_ENGLISH = alternatives(
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
_GERMAN = alternatives(
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
_SPANISH = alternatives(
    r"(?:lo siento(?: mucho)?|lamentablemente|desafortunadamente|lo lamento|me temo que)[\s,.;:-]+(?:pero )?"
    r"no (?:(?:me|te|le|les) )?(?:puedo|es posible) (?:ayudar|asistir|proporcionar|cumplir|responder|contestar"
    r"|completar|realizar|hacer|acceder|ofrecer|dar|generar|crear|escribir|continuar|participar|brindar|atender)",
    r"no (?:(?:te|le|les) )?puedo (?:ayudar(?:te|le|les|lo|la)?|asistir(?:te|le)?) (?:con|en|a)\b",
    r"como (?:una? )?(?:modelo de lenguaje|ia|inteligencia artificial|asistente de ia)[^.!?\n]{0,40}"
    r"\bno (?:puedo|tengo (?:acceso|la capacidad))",
)
_FRENCH = alternatives(
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
_CHINESE = alternatives(
    rf"[很真十分非常]*(?:抱歉|对不起|對不起|不好意思|遗憾|遺憾){_PAUSE}(?:但是?)?{_CLAUSE}{{0,15}}我{_CLAUSE}{{0,6}}{_UNABLE}"
    rf"{_CLAUSE}{{0,12}}(?:{_SERVE}|完成|处理|處理|访问|訪問|执行|執行|继续|繼續|生成|创作|創作|做)",
    rf"(?:[对對]此{_PAUSE})?我{_UNABLE}(?:[为為向给給对對][您你此])?{_SERVE}",
    r"作[为為](?:一[个個名位])?(?:AI|人工智能|人工智慧)?(?:大型)?(?:语言|語言)?(?:模型|助手|助理)?"
    rf"{_PAUSE}我{_CLAUSE}{{0,30}}(?:{_UNABLE}|没有|沒有|不具[备備])",
)
_LACKS = r"\b(?:cannot|can't|can not|do\s*n[o']t|won't|unable|not able|no (?:access|ability))\b"
_BEGINS = r"(?i)(?:^|[.!?:,\n\x{3002}\x{ff01}\x{ff1f}\x{ff1a}\x{ff0c}])[\s*_>\"-]*(?:"
_REFUSAL = (
    _BEGINS
    + r"(?:(?:(?:(?:i'm|i am) )?(?:(?:so|very|really|truly) )?sorry|(?:my )?apologies|i apologi[sz]e|unfortunately"
    rf"|regrettably|(?:i'm|i am) afraid(?: that)?|as (?:an (?:ai|assistant)|{_MODEL})[\w\s-]{{0,60}})[\s,;:.-]*)?"
    r"(?:(?:but|however)[\s,]+)?".replace(" ", r"\s+")
    + f"{_ENGLISH})|"
    + alternatives(
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
_REFUSAL_ABROAD = f"{_BEGINS}{_GERMAN}|{_SPANISH}|{_FRENCH}|{_CHINESE})"
"""Apart from English: as one, the two would be more than RE2 has room for by default."""
_refusals = occurring(_REFUSAL, _REFUSAL_ABROAD)

_REPORTED = re2.compile(
    r"(?i)\b(?:answered|said|says|replied|replies|responded|wrote|told\s+\w+)\b[^\n.!?:]{0,40}:\s*[^\n]*|\"[^\"\n]*\""
)
_ESTIMATE = re2.compile(
    r"(?i)\b(?:good|best|rough|my|fair|reasonable|close)\s+(?:\w+\s+)?(?:estimate|guess|approximation)\b"
    r"|\b(?:approximately|roughly|around|about)\s+\p{Sc}?\d|估计|估計|大约|大約"
)
_OBSTACLE = re2.compile(
    r"(?i)\b"
    + alternatives(
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
    + alternatives(
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
    + alternatives(
        "exact|precise|definite|definitive|specific|accurate|single|every|full|complete|here|directly|at once",
        "(?:with|in) one|to (?:the )?disk|with certainty|for (?:sure|certain)",
    )
    + r"\b"
)
"""A part or a way of what was asked for, behind the words that refuse it: the rest may be answered."""

_LACKS_BEING = re2.compile(r"(?i)\b(?:do\s*n[o']t|do\s+not)\s+(?:have|experience|feel)\b")

_TELLING = re2.compile(
    r"(?i)\b"
    + alternatives(
        r"(?:i|we|you|one) (?:(?:can|could|would|must|should|may|might|am able to) )?(?:\w+ ){0,2}"
        r"(?:tell|say|see|confirm|infer|conclude|deduce|report|note|know|remember|recall|read|estimate|assure)(?: you)?"
        r"(?: that| from| by| the)\b",
        r"(?:i|we) can (?:\w+ )?(?:give|show|tell|provide|summari[sz]e|describe|list|outline)\b[^.!?:\n]{0,60}: \w",
    )
)
_SENDING = re2.compile(
    r"(?i)\?$|^"
    + alternatives(
        r"(?:of course |[\w\s]{0,30},\s*|\w+ )?(?:i|we)(?:'(?:d|m|ll|re)| (?:am|are|can|can't|cannot|could|would"
        r"|will|won't|may|might|must|should|do not|don't|have (?:to|no)|hope|need|want|wish|look))\b",
        r"(?:(?:maybe|perhaps|instead|just|always|simply|rather),? )*(?:try|check|visit|go to|look|search|paste|upload"
        r"|send|share|ask|contact|consult|see|use|consider|refer|reach|remember)\b",
        r"(?:that|this|it)(?:'s| is) (?:how|what|why|all|my|just)\b",
    )
    + r"|\b"
    + alternatives(
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
    if _refusals(prose[:OPENING]) is None:
        return False
    own = _REPORTED.sub(" ", prose[: 2 * OPENING])
    if not re2.search(r"\w", own):
        own = prose[: 2 * OPENING]  # all of it stands in quotation marks
    refusal = _refusal(own)
    return refusal is not None and not _goes_on(refusal.group(), own[refusal.end() : refusal.end() + OPENING])


def _refusal(text: str) -> Any:
    """The match of the first refusal in the opening of a text, or None."""
    opening = text[:OPENING]
    return re2.search(_REFUSAL, opening) or re2.search(_REFUSAL_ABROAD, opening)


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
