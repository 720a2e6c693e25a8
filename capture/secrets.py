"""What is a secret by the name that it stands under: in the environment, in a config, in what the user hands over."""

import base64
import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from capture.tokens import ADDRESS, MASKED

MIN_LENGTH: Final = 8
"""Shorter values are not masked: they would be found in words that have nothing to do with them."""
TELLING: Final = frozenset(
    "key keys apikey token tokens secret secrets password passwords passwd passphrase pass pwd credential credentials "
    "authorization bearer".split()
)
"""Words in a name that say that its value is a secret."""
TELLING_LAST: Final = frozenset({"auth", "cookie", "pat"})
"""Words that say so where a name ends with them."""
INNOCENT: Final = frozenset({"pwd", "oldpwd"})
"""Names that have such a word and no secret: the shell's current folder."""
KEYS: Final = frozenset({"key", "keys"})
"""Words that tell only after one of `OPENING`: a sort key opens nothing."""
OPENING: Final = frozenset("api secret access private auth encryption signing master subscription account".split())
OTHER_KEYS: Final = frozenset(
    "sort order primary foreign partition row group cache range index public gpg model path file prefix name".split()
)
"""Words that make a key one that opens nothing, whatever its value looks like."""
ABOUT: Final = frozenset(
    "name type path file dir url uri count limit provider counter format length size endpoint algorithm scope scopes "
    "mode ttl expiry expires header budget backend manager policy issuer audience prefix method version".split()
)
"""Last words of names that are about a secret, and do not hold one."""
SPECIAL: Final = frozenset("eos bos pad unk sep stop end next".split())
"""Words that make a token one of a language model's or a page's."""
COUNTING: Final = frozenset("max min num total input output prompt completion".split())
"""Words that make tokens a number of them."""
SCHEMES: Final = frozenset({"bearer", "basic", "token", "apikey", "digest"})
"""What may stand before the secret in an Authorization header."""
WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
PLAIN_WORD: Final = re.compile(r"[A-Za-z]+(?:[ _-][A-Za-z]+)*")
KEY_LIKE: Final = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
PLAIN_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s?@]+")
"""An address with no user, password or query in it."""
USER: Final = re.compile(r"://([^\s/?#@]+)@")
"""Who an address says that one is: in some that is the key."""
SETTING: Final = re.compile(r"(?:^|;)\s*([\w ]{3,40}?)\s*=\s*([^;]+)")
"""A part of a connection string, or of a cookie."""
HINT: Final = re.compile(rb"(?i)key|token|secret|pass|pwd|credential|authorization|bearer|(?:auth|cookie|pat)\\*[\"']")
"""What every telling name has in it."""
QUOTED: Final = re.compile(r"""(["'])([\w .-]{3,60})\1(\s*:\s*)(["'])([^"'\\\s]{8,}|[A-Za-z]+ [^"'\\\s]{8,})\4""")
"""A field in a text that is itself JSON or Python: its name and value are groups 2 and 5."""
ADDRESSES: Final = frozenset({"HttpUrl", "AnyUrl", "AnyHttpUrl", "Url", "URL"})
"""Types of addresses that are no text."""


@functools.lru_cache(4096)
def is_telling(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    words = [word.lower() for word in WORDS.findall(name)]
    telling = TELLING.intersection(words) | TELLING_LAST.intersection(words[-1:])
    if not telling or name.lower() in INNOCENT or words[-1] in ABOUT or not SPECIAL.isdisjoint(words):
        return False
    return not telling <= KEYS or not OPENING.isdisjoint(words)


class Environment:
    """The environment, and what is new in it.

    Args:
        variables: `os.environ`, or what stands for it.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        # the dict inside `os.environ`: to compare it takes 0.3 us, to compare `os.environ` itself 40
        self.held: Mapping[Any, Any] = getattr(variables, "_data", variables)
        self._seen: dict[Any, Any] = {}

    def new_secrets(self) -> list[str]:
        """The secrets in variables that are new or have changed since one last asked."""
        seen, held = self._seen, self.held
        if seen == held:
            return []
        self._seen = now = dict(held)
        changed = ((os.fsdecode(name), os.fsdecode(value)) for name, value in now.items() if seen.get(name) != value)
        return [secret for name, value in changed for secret in _of_variable(name, value)]

    @property
    def size(self) -> int:
        """How many variables there were when one last asked."""
        return len(self._seen)


def _of_variable(name: str, value: str) -> Iterator[str]:
    if len(value) < MIN_LENGTH:
        return
    if _is_secret_variable(name, value) and not os.path.exists(value):
        yield from _parts(value)
        yield from USER.findall(value)
    yield from _inside(value)


def _is_secret_variable(name: str, value: str) -> bool:
    """Whether an environment variable's value is one: stricter, because nobody chose it for this program."""
    if (PLAIN_WORD.fullmatch(value) and len(value) < 20) or _is_count(name, value) or PLAIN_URL.fullmatch(value):
        return False
    words = [word.lower() for word in WORDS.findall(name)]
    if is_telling(name) or ("dsn" in words and USER.search(value)):
        return True
    return not KEYS.isdisjoint(words) and OTHER_KEYS.isdisjoint(words) and _is_random(value)


def _is_random(value: str) -> bool:
    """Whether a value looks like one that a service made up, such as nobody would give a sort key."""
    if not KEY_LIKE.fullmatch(value):
        return False
    digits = sum(map(str.isdigit, value))
    return digits >= 2 and digits + value.count("-") + value.count("_") < len(value)


def _is_count(name: str, value: str) -> bool:
    """Whether a value is a number of tokens, not one of them."""
    words = [word.lower() for word in WORDS.findall(name)]
    counted = words[-1:] == ["tokens"] or (words[-1:] == ["token"] and not COUNTING.isdisjoint(words))
    return counted and value.replace("_", "").replace(",", "").replace(".", "").isdigit()


def is_secret(name: str, value: str) -> bool:
    """Whether a field's value is one; a plain word such as `NotRequired` is none."""
    if len(value) < MIN_LENGTH or not is_telling(name) or (value.isalpha() and len(value) < 16):
        return False
    if _is_count(name, value) or PLAIN_URL.fullmatch(value):
        return False
    if name.lower().endswith(("token", "tokens")):  # of words: text that a model reads
        return (" " not in value or "\n" in value) and not (PLAIN_WORD.fullmatch(value) and len(value) < 20)
    return True


def secrets_in(config: Any, depth: int = 6) -> list[str]:
    """Values under telling names anywhere in a config, whatever it is made of: dicts, lists, models."""
    found: list[str] = []
    for name, value in _members(config):
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if type(plain).__name__ in ADDRESSES:
            plain = str(plain)
        if isinstance(plain, str):
            if isinstance(name, str) and (is_secret(name, plain) or (name == "key" and _is_random(plain))):
                found.extend(_parts(plain))
            found.extend(_inside(plain))
        elif depth and not isinstance(plain, bytes):
            found.extend(secrets_in(plain, depth - 1))
    return found


def _parts(value: str) -> list[str]:
    """A secret, and what is left of it without the scheme before it; of a cookie each value that looks like one."""
    scheme, _, rest = value.partition(" ")
    parts = [value, rest.strip()] if rest and scheme.lower() in SCHEMES else [value]
    if "=" in value:
        parts += [held for _, held in SETTING.findall(value) if _is_random(held)]
    return parts


def _inside(value: str) -> Iterator[str]:
    """Secrets within a value, whatever its name: the password of an address, the key of a connection string."""
    if "://" in value:
        for found in ADDRESS.findall(value):
            user, _, password = found[3:-1].partition(":")
            if len(password) < MIN_LENGTH or (PLAIN_WORD.fullmatch(password) and len(password) < 20):
                continue  # as in every example: `user:password@`
            both = f"{unquote(user)}:{unquote(password)}"  # as in the header that is made of it
            yield from (
                password,
                unquote(password),
                base64.b64encode(both.encode("utf-8", "replace")).decode().rstrip("="),
            )
    if "=" in value and ";" in value:
        yield from (held for name, held in SETTING.findall(value) if is_secret(name, held))


def without_secrets(value: Any, name: str, found: list[str]) -> Any:
    """What JSON holds, with values under telling names masked; `found` gets them."""
    if isinstance(value, str):
        if is_secret(name, value):
            found.extend(_parts(value))
            return MASKED
        return QUOTED.sub(lambda match: _without_quoted(match, found), value)
    if isinstance(value, list):
        return [without_secrets(item, name, found) for item in value]
    if isinstance(value, dict):
        return {key: without_secrets(item, key, found) for key, item in value.items()}
    return value


def _without_quoted(match: re.Match[str], found: list[str]) -> str:
    quote, name, colon, around, value = match.groups()
    if not is_secret(name, value):
        return match[0]
    found.extend(_parts(value))
    return f"{quote}{name}{quote}{colon}{around}{MASKED}{around}"


def _members(config: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(config, Mapping):
        return list(config.items())
    if isinstance(config, (list, tuple)):
        return [("", item) for item in config]
    if hasattr(type(config), "model_fields"):
        extra = getattr(config, "model_extra", None) or {}
        return [*((name, getattr(config, name, None)) for name in type(config).model_fields), *extra.items()]
    # AG2's own LLMConfig
    return [("", getattr(config, "config_list", None))] if hasattr(config, "config_list") else ()
