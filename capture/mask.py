"""Secrets, masked before the bytes leave the process.

Two kinds are known: values that stand under a telling name, in the environment or in an agent's `llm_config`, and
tokens that are recognised by their form. Every record is searched for both in one pass over its bytes, with RE2,
because that is all that most records cost: a secret is rare. Only a record that has one is parsed and rewritten.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

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
        values = [value for name, value in self._environ.items() if is_telling(name) and not os.path.exists(value)]
        self.learn(values)

    def learn_config(self, config: Any) -> None:
        """Takes in the secrets of an `llm_config`, or of whatever an LLM client is made with."""
        self.learn(secrets_in(config))

    def learn(self, values: Iterable[str]) -> None:
        """Takes in values that are to be masked from here on; those under 8 characters are not."""
        new = {value for value in values if len(value) >= MIN_LENGTH} - self._values
        if not new:
            return
        with self._lock:
            self._values |= new
            # the longest first: one value may begin with another
            spelled = sorted({form for value in self._values for form in _spellings(value)}, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, spelled)))
            self._suspect = _search(spelled)

    def record(self, fields: bytes) -> bytes:
        """The fields of a record, as JSON without braces, with secrets masked."""
        if not self._suspect(fields):
            return fields
        return self.json(b"{%b}" % fields)[1:-1]

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
        return name if name.isidentifier() and name.islower() and name.isalpha() else self._cleaned(name)

    def _cleaned(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASKED, text)
        return TOKEN.sub(rf"\1{MASKED}", BLOCK.sub(MASKED, text))


def is_telling(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    return name.lower() not in INNOCENT and not TELLING.isdisjoint(word.lower() for word in WORDS.findall(name))


def secrets_in(config: Any, depth: int = 6) -> list[str]:
    """Values under telling names anywhere in a config, whatever it is made of: dicts, lists, models."""
    found: list[str] = []
    for name, value in _members(config):
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if isinstance(plain, str) and isinstance(name, str) and is_telling(name):
            found.append(plain)
            found.extend(word for word in plain.split() if word != plain and word.lower() != "bearer")
        elif depth and not isinstance(plain, (str, bytes)):
            found.extend(secrets_in(plain, depth - 1))
    return found


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
        return lambda data: any(sign in data for sign in (*SIGNS, *literal))
    patterns = [*map(re.escape, literal), "|".join(FORMS).encode(), b"-----BEGIN [A-Z ]*PRIVATE KEY"]
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are: three times as fast as decoding them
    options.never_capture = True
    search: Callable[[bytes], Any] = re2.compile(b"|".join(patterns), options).search
    return search
