"""Secrets, masked before the bytes leave the process.

Two kinds are known: values that stand under a telling name (in the environment, in an agent's `llm_config`, in what
the user hands over to be recorded), and tokens that are recognised by their form. Every record is searched for both in
one pass over its bytes, with RE2, because that is all that most records cost: a secret is rare. Only a record that has
one is parsed and rewritten.
"""

import functools
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

log = logging.getLogger("capture")

MASKED: Final = "[masked]"
MIN_LENGTH: Final = 8
"""Shorter values are not masked: they would be found in words that have nothing to do with them."""
TELLING: Final = frozenset(
    "key keys apikey token tokens secret secrets password passwords passwd passphrase pass pwd credential credentials "
    "authorization bearer".split()
)
"""Words in a name that say that its value is a secret."""
INNOCENT: Final = frozenset({"pwd", "oldpwd"})
"""Names that have such a word and no secret: the shell's current folder."""
KEYS: Final = frozenset({"key", "keys"})
"""Words that tell only after one of `OPENING`: a sort key opens nothing."""
OPENING: Final = frozenset("api secret access private auth encryption signing master subscription".split())
ABOUT: Final = frozenset("name type path file dir url uri count limit provider counter format length size".split())
"""Last words of names that are about a secret, and do not hold one."""
SPECIAL: Final = frozenset("eos bos pad unk sep stop end next".split())
"""Words that make a token one of a language model's or a page's."""
SCHEMES: Final = frozenset({"bearer", "basic", "token", "apikey", "digest"})
"""What may stand before the secret in an Authorization header."""
WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
FORMS: Final = (
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic and many others
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"gh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"glpat-[A-Za-z0-9_-]{20,}",  # GitLab
    r"A[KS]IA[0-9A-Z]{16}",  # AWS
    r"AIza[0-9A-Za-z_-]{35}",  # Google
    r"xox[abeprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"gsk_[A-Za-z0-9]{20,}",  # Groq
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-[A-Za-z0-9_-]{50,}",
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JSON Web Token
    r"[Bb]earer [A-Za-z0-9._~+/=-]{19,}[A-Za-z0-9_~+/=-]",
)
"""How well-known tokens look."""
KEY_BLOCK: Final = r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
BEFORE: Final = r"(\\[nrtbf]|\b)"
"""A token begins a word, or follows a line end as JSON writes it: there the `n` would hide the beginning."""
TOKEN: Final = re.compile(f"{BEFORE}(?:{'|'.join(FORMS)})")
BLOCK: Final = re.compile(KEY_BLOCK)
URL: Final = r"""://[^\s:/?#@"'`\\{}<>]*:[^\s/?#@"'`\\{}<>]+@"""
"""A user and password in an address. Templates such as `{password}` are none."""
PASSWORD: Final = re.compile(r"(?<=:)[^:@]+(?=@$)")
ADDRESS: Final = re.compile(URL)
ADDRESS_IN_BYTES: Final = re.compile(URL.encode())
PLAIN_WORD: Final = re.compile(r"[A-Za-z]+(?:[ _-][A-Za-z]+)*")
WORDLIKE: Final = re.compile(r"[A-Za-z0-9_-]{1,19}")
"""A value that might be found inside a longer word by chance."""
RANDOM: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=]{20,}")
"""What nobody would give a sort key as its value."""
BEGIN: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
END: Final = r"(?![A-Za-z0-9])"
HINT: Final = re.compile(rb"(?i)key|token|secret|pass|pwd|credential|authorization|bearer")
"""What every telling name has in it."""
QUOTED: Final = re.compile(r"""(["'])([\w .-]{3,60})\1(\s*:\s*)(["'])([^"'\\\s]{8,}|[A-Za-z]+ [^"'\\\s]{8,})\4""")
"""A field in a text that is itself JSON or Python: its name and value are groups 2 and 5."""
LEARNED: Final = 1000
"""Values that are learned from what the user hands over; later ones are masked only under their own name."""
SIGNS: Final = (
    b"sk-",
    b"k_live_",
    b"k_test_",
    b"ghp_",
    b"gho_",
    b"ghu_",
    b"ghs_",
    b"ghr_",
    b"github_pat_",
    b"glpat-",
    b"AKIA",
    b"ASIA",
    b"AIza",
    b"xox",
    b"hf_",
    b"gsk_",
    b"npm_",
    b"pypi-",
    b"eyJ",
    b"earer ",
    b"PRIVATE KEY-----",
)
"""What every one of the forms has in it: the search where RE2 is not installed."""


FIELD: Final = re.compile("[a-z_]+")
OWN: Final = frozenset({"kind", "id", "parent"})
"""Fields of a record that no user wrote."""


class Mask:
    """What to mask in one run's records.

    Args:
        environ: the environment whose secrets are known from the start.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._values: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self._lock = threading.Lock()
        self._suspect: Callable[[bytes], Any] = _search(())
        self.learn_environment()

    def learn_environment(self) -> None:
        """Takes in the environment's secrets; again where it may have changed."""
        self.learn(v for name, v in self._environ.items() if _is_secret_variable(name, v) and not os.path.exists(v))

    def learn_config(self, config: Any) -> None:
        """Takes in the secrets of an `llm_config`, or of whatever an LLM client is made with."""
        try:
            self.learn(secrets_in(config))
        except Exception as error:  # an object that raises when it is looked at
            log.debug("capture: a config was not searched for secrets: %s", error)

    def learn(self, values: Iterable[str]) -> None:
        """Takes in values that are to be masked from here on; those under 8 characters are not."""
        new = {value for value in values if len(value) >= MIN_LENGTH} - self._values - {MASKED}
        if not new:
            return
        with self._lock:
            self._values |= new
            # the longest first: one value may begin with another
            spelled = sorted({form for value in self._values for form in _spellings(value)}, key=len, reverse=True)
            self._known = re.compile("|".join(map(_pattern, spelled)))
            self._suspect = _search(spelled)

    def handed_over(self, data: bytes) -> bytes:
        """A JSON object that the user made, without what stands under telling names; that is masked from here on."""
        if not HINT.search(data):
            return data
        found: list[str] = []
        value = _without_secrets(orjson.loads(data), "", found)
        if not found:
            return data
        if len(self._values) < LEARNED:
            self.learn(found)
        return orjson.dumps(value)

    def record(self, fields: bytes) -> bytes:
        """The fields of a record, as JSON without braces, with secrets masked; its own names and kind stay."""
        if not self._suspect(fields):
            return fields
        record = orjson.loads(b"{%b}" % fields)
        return orjson.dumps({name: v if name in OWN else self._masked(v) for name, v in record.items()})[1:-1]

    def json(self, data: bytes) -> bytes:
        """JSON with secrets masked in its texts."""
        if not self._suspect(data):
            return data
        return orjson.dumps(self._masked(orjson.loads(data)))

    def text(self, data: bytes) -> bytes:
        """A text file's content with secrets masked."""
        if not self._suspect(data):
            return data
        return self._cleaned(data.decode()).encode()

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._cleaned(value)
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if isinstance(value, dict):
            return {self._masked_name(name): self._masked(item) for name, item in value.items()}
        return value

    def _masked_name(self, name: str) -> str:
        """A field's name: one that is a plain word stays, because somebody's password may be `password`."""
        return name if FIELD.fullmatch(name) else self._cleaned(name)

    def _cleaned(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASKED, text)
        text = ADDRESS.sub(lambda found: PASSWORD.sub(MASKED, found[0]), text)
        return TOKEN.sub(rf"\1{MASKED}", BLOCK.sub(MASKED, text))


@functools.lru_cache(4096)
def is_telling(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    words = [word.lower() for word in WORDS.findall(name)]
    telling = TELLING.intersection(words)
    if not telling or name.lower() in INNOCENT or words[-1] in ABOUT or not SPECIAL.isdisjoint(words):
        return False
    return not telling <= KEYS or not OPENING.isdisjoint(words)


def _is_secret(name: str, value: str) -> bool:
    """Whether a field's value is one; a plain word such as `NotRequired` is none."""
    if len(value) < MIN_LENGTH or not is_telling(name) or (value.isalpha() and len(value) < 16):
        return False
    # a token of words is text that a model reads
    return " " not in value or "\n" in value or not name.lower().endswith(("token", "tokens"))


def _is_secret_variable(name: str, value: str) -> bool:
    """Whether an environment variable's value is one: stricter, because nobody chose it for this program."""
    if PLAIN_WORD.fullmatch(value) and len(value) < 20:
        return False
    bare = not KEYS.isdisjoint(word.lower() for word in WORDS.findall(name))
    return is_telling(name) or (bare and RANDOM.fullmatch(value) is not None)


def secrets_in(config: Any, depth: int = 6) -> list[str]:
    """Values under telling names anywhere in a config, whatever it is made of: dicts, lists, models."""
    found: list[str] = []
    for name, value in _members(config):
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if isinstance(plain, str):
            if isinstance(name, str) and _is_secret(name, plain):
                found.extend(_parts(plain))
        elif depth and not isinstance(plain, bytes):
            found.extend(secrets_in(plain, depth - 1))
    return found


def _parts(value: str) -> list[str]:
    """A secret, and what is left of it without the scheme before it."""
    scheme, _, rest = value.partition(" ")
    return [value, rest.strip()] if rest and scheme.lower() in SCHEMES else [value]


def _without_secrets(value: Any, name: str, found: list[str]) -> Any:
    """What JSON holds, with values under telling names masked; `found` gets them."""
    if isinstance(value, str):
        if _is_secret(name, value):
            found.extend(_parts(value))
            return MASKED
        return QUOTED.sub(lambda match: _without_quoted(match, found), value)
    if isinstance(value, list):
        return [_without_secrets(item, name, found) for item in value]
    if isinstance(value, dict):
        return {key: _without_secrets(item, key, found) for key, item in value.items()}
    return value


def _without_quoted(match: re.Match[str], found: list[str]) -> str:
    quote, name, colon, around, value = match.groups()
    if not _is_secret(name, value):
        return match[0]
    found.extend(_parts(value))
    return f"{quote}{name}{quote}{colon}{around}{MASKED}{around}"


def _pattern(value: str) -> str:
    """What finds a value: one like a word only where it is the whole word."""
    return f"{BEGIN}{re.escape(value)}{END}" if WORDLIKE.fullmatch(value) else re.escape(value)


def _members(config: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(config, Mapping):
        return list(config.items())
    if isinstance(config, (list, tuple)):
        return [("", item) for item in config]
    if hasattr(type(config), "model_fields"):
        return [(name, getattr(config, name, None)) for name in type(config).model_fields]
    # AG2's own LLMConfig
    return [("", getattr(config, "config_list", None))] if hasattr(config, "config_list") else ()


def _spellings(value: str) -> set[str]:
    """A value as it stands in a text, and as JSON has it in there: quoted once or twice, with letters or escapes."""
    once = {json.dumps(value, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
    twice = {json.dumps(form, ensure_ascii=False)[1:-1] for form in once}
    return {value} | once | twice


def _search(known: Iterable[str]) -> Callable[[bytes], Any]:
    """Whether a record may have a secret: a search over its bytes that misses none."""
    # in the bytes each value is quoted once more than in the text
    forms = {form for value in known for form in (value, json.dumps(value, ensure_ascii=False)[1:-1])}
    literal = sorted(form.encode("utf-8", "replace") for form in forms)
    try:
        import re2
    except ImportError:
        return lambda data: any(sign in data for sign in (*SIGNS, *literal)) or ADDRESS_IN_BYTES.search(data)
    patterns = [*map(re.escape, literal), "|".join((*FORMS, URL)).encode(), b"-----BEGIN [A-Z ]*PRIVATE KEY"]
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are: three times as fast as decoding them
    options.never_capture = True
    search: Callable[[bytes], Any] = re2.compile(b"|".join(patterns), options).search
    return search
