"""Secrets, masked before the bytes leave the process.

Two kinds are known: values that stand under a telling name (`capture/secrets.py`: in the environment, in an agent's
`llm_config`, in what the user hands over to be recorded), and tokens that are recognised by their form
(`capture/tokens.py`). Every record is searched for both in one pass over its bytes (`capture/known.py`). Only a record
that has one is parsed and rewritten.
"""

import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from capture.known import Known
from capture.secrets import HINT, Environment, secrets_in, without_secrets
from capture.tokens import MASKED, without_tokens

log = logging.getLogger("capture")

LEARNED: Final = 400
"""Values that are learned from what the user hands over; later ones are masked only under their own name."""
FIELD: Final = re.compile("[a-z_]+")
OWN: Final = frozenset({"kind", "id", "parent"})
"""Fields of a record that no user wrote."""
LARGE: Final = re.compile(rb"[0-9]{20}")
"""What may be a number beyond 64 bits: orjson reads one as a float."""


class Mask:
    """What to mask in one run's records.

    Args:
        environ: the environment whose secrets are known from the start.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environment = Environment(environ)
        self._variables = self._environment.held
        self._seen = 0
        self._known = Known()
        self.learn_environment()

    def learn_environment(self) -> None:
        """Takes in the environment's secrets; again where it may have changed, which costs under a microsecond."""
        try:
            self._known.learn(self._environment.new_secrets())
        except RuntimeError as error:  # changed by another thread meanwhile: the next look finds it
            log.debug("capture: the environment was not searched for secrets: %s", error)
        self._seen = self._environment.size

    def learn_config(self, config: Any) -> None:
        """Takes in the secrets of an `llm_config`, or of whatever an LLM client is made with."""
        self.learn_environment()
        try:
            self.learn(secrets_in(config))
        except Exception as error:  # an object that raises when it is looked at
            log.debug("capture: a config was not searched for secrets: %s", error)

    def learn(self, values: Iterable[str]) -> None:
        """Takes in values that are to be masked from here on; those under 8 characters are not."""
        self._known.learn(values)

    def handed_over(self, data: bytes) -> bytes:
        """A JSON object that the user made, without what stands under telling names; that is masked from here on."""
        self.learn_environment()
        if not HINT.search(data):
            return data
        found: list[str] = []
        value = without_secrets(_read(data), "", found)
        if not found:
            return data
        if len(self._known) < LEARNED:
            self.learn(found)
        return _written(value)

    def record(self, fields: bytes) -> bytes:
        """The fields of a record, as JSON without braces, with secrets masked; its own names and kind stay."""
        if len(self._variables) != self._seen:
            self.learn_environment()
        if not self._known.suspect(fields):
            return fields
        known = self._known.pattern(fields)
        record = _read(b"{%b}" % fields)
        return _written({name: v if name in OWN else _masked(v, known) for name, v in record.items()})[1:-1]

    def json(self, data: bytes) -> bytes:
        """JSON with secrets masked in its texts."""
        self.learn_environment()
        if not self._known.suspect(data):
            return data
        return _written(_masked(_read(data), self._known.pattern(data)))

    def text(self, data: bytes) -> bytes:
        """A text file's content with secrets masked."""
        self.learn_environment()
        if not self._known.suspect(data):
            return data
        return _cleaned(data.decode(), self._known.pattern(data)).encode()

    def name(self, name: str) -> str:
        """A file's name or path with secrets masked, by a word that has a meaning in no shell."""
        self.learn_environment()
        return _cleaned(name, self._known.pattern(name.encode("utf-8", "replace"))).replace(MASKED, "_masked_")


def _read(data: bytes) -> Any:
    """What JSON says, with whole numbers of any size."""
    return json.loads(data) if LARGE.search(data) else orjson.loads(data)


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a number beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _masked(value: Any, known: re.Pattern[str] | None) -> Any:
    if isinstance(value, str):
        return _cleaned(value, known)
    if isinstance(value, list):
        return [_masked(item, known) for item in value]
    if isinstance(value, dict):
        return {_masked_name(name, known): _masked(item, known) for name, item in value.items()}
    return value


def _masked_name(name: str, known: re.Pattern[str] | None) -> str:
    """A field's name: one that is a plain word stays, because somebody's password may be `password`."""
    return name if FIELD.fullmatch(name) else _cleaned(name, known)


def _cleaned(text: str, known: re.Pattern[str] | None) -> str:
    return without_tokens(text if known is None else known.sub(MASKED, text))
