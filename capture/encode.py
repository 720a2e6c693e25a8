"""Anything to JSON bytes, without ever raising.

The fast way is the serialiser that AG2's events bring along, or `orjson`. What they refuse (exceptions, callables,
lone surrogates, circular references, any object at all) is walked by hand, and each value that had to be replaced by
text is noted with its path, so that a reader knows what is not original.
"""

import builtins
import hashlib
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from itertools import islice
from math import isfinite
from os import PathLike, fspath
from typing import Any
from uuid import UUID

import orjson

from capture.secrets import is_secret
from capture.tokens import MASKED

MAX_DEPTH = 100
"""Deeper values are replaced: readers have limits too (DuckDB's and orjson's own are at a few hundred)."""
MAX_TEXT = 2000
"""Characters kept of the text that stands for an object."""
MAX_KEPT = 1000
"""Characters kept of a text that is cut because its record is too large."""
LARGEST = 64 << 20
"""Characters of text up to which a value is serialised whole: what a record may have where nothing else was set."""
LOOKED_AT = 10_000
"""Objects that are looked at for that."""
MAX_IN_GROUP = 100
"""Exceptions of a group that are told."""
GROUPS: Any = getattr(builtins, "BaseExceptionGroup", ())
"""Groups of exceptions, which Python 3.10 has not."""
MAX_OPENED = 1000
"""Objects of a response that are written as their attributes: one of them may hold the whole model."""
INT64 = 2**63
"""orjson writes no larger integers."""

Replaced = list[dict[str, str]]
"""What was replaced: `{"path": ..., "reason": ...}` each."""


def to_json(value: Any, opened: int = 0, masks: bool = False) -> tuple[bytes, Replaced]:
    """JSON for a value, and what had to be replaced in it.

    Args:
        value: anything.
        opened: how many objects that are nothing else are written as their attributes, before they are as text.
        masks: whether keys that these hold are masked by their names.
    """
    try:
        if type(value) is not str and _text_size(value) > LARGEST:
            return _without_large(value)
        return orjson.dumps(value), []
    except Exception:
        return _by_hand(value, opened, masks)


def _text_size(value: Any) -> int:
    """About how much text is in a value. One of a few objects may hold the same text a thousand times."""
    total, looked_at, left = 0, 0, [value]
    while left and looked_at < LOOKED_AT:
        item = left.pop()
        looked_at += 1
        if isinstance(item, (str, bytes)):
            total += len(item)
        elif isinstance(item, dict):
            left.extend(islice(item.values(), LOOKED_AT))
        elif isinstance(item, (list, tuple)):
            left.extend(islice(item, LOOKED_AT))
    return total if not left else total + total * len(left) // looked_at


def _without_large(value: Any) -> tuple[bytes, Replaced]:
    """A value without what is large in it: a serialiser that runs out of memory ends the process."""
    if not isinstance(value, dict):
        return b"null", [{"path": "$", "reason": f"too large: about {_text_size(value)} characters"}]
    kept: dict[Any, Any] = {}
    notes: Replaced = []
    for name, item in list(value.items()):
        size = _text_size(item)
        if size <= LARGEST // 16:
            kept[name] = item
        elif isinstance(item, str):
            kept[name] = item[:MAX_KEPT]
            notes.append({"path": f"$.{name}", "reason": f"too large: {_size_and_hash(item)}"})
        else:
            kept[name] = None
            notes.append({"path": f"$.{name}", "reason": f"too large: about {size} characters"})
    data, replaced = to_json(kept)
    return data, replaced + notes


def _size_and_hash(text: str) -> str:
    """Bytes and SHA-256 of a text, without a second copy of it."""
    size, digest = 0, hashlib.sha256()
    for start in range(0, len(text), 1 << 20):
        part = text[start : start + (1 << 20)].encode("utf-8", "backslashreplace")
        size += len(part)
        digest.update(part)
    return f"{size} bytes, sha256 {digest.hexdigest()}"


def not_finite(value: Any, path: str = "$", depth: int = 0) -> Replaced:
    """The NaNs and infinities in a value: JSON has no such numbers, and the serialisers write null without a word."""
    if isinstance(value, float):
        return [] if isfinite(value) else [{"path": path, "reason": repr(float(value))}]
    inner: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        inner = ((f"{path}.{key}", item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        inner = ((f"{path}[{i}]", item) for i, item in enumerate(value))
    return [note for where, item in inner if depth < MAX_DEPTH for note in not_finite(item, where, depth + 1)]


def event_to_json(event: Any) -> tuple[bytes, Replaced]:
    """JSON for an AG2 event as AG2 serialises it, and what had to be replaced in it."""
    try:
        return event.__pydantic_serializer__.to_json(event), []
    except Exception:
        return _by_hand(_event_fields(event))


def response_to_json(response: Any, masks: bool) -> tuple[bytes, Replaced]:
    """JSON for what a model's client gave, and what had to be replaced in it.

    Args:
        response: a client of the user's makes it of any objects, which are written as their attributes.
        masks: whether keys that these hold are masked by their names.
    """
    return event_to_json(response) if hasattr(response, "model_dump") else to_json(response, MAX_OPENED, masks)


def error_fields(error: BaseException) -> dict[str, Any]:
    """An exception as the object that stands under `error` in a record: type, message, traceback; of a group also
    `exceptions`, type and message of those in it and in groups in it."""
    try:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:
        trace = ""
    inside = [_words(one) for one in islice(_in_group(error), MAX_IN_GROUP)]
    return {**_words(error), "traceback": trace, **({"exceptions": inside} if inside else {})}


def _words(error: BaseException) -> dict[str, str]:
    try:
        message = str(error)
    except Exception:
        message = "(its message can't be shown)"
    return {"type": type(error).__name__, "message": message}


def _in_group(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, and in the groups in it."""
    left = deque([error] if isinstance(error, GROUPS) else [])
    while left:
        one = left.popleft()
        if isinstance(one, GROUPS):
            left.extendleft(reversed(one.exceptions))
        else:
            yield one


def cut(body: bytes, limit: int) -> bytes:
    """A record cut to about `limit` bytes: its longest texts give way to their start, size and hash, and it says so.

    Where that is not enough, because there are too many small values, whole fields give way.

    Args:
        body: its fields, as JSON without braces.
        limit: bytes.
    """
    value = orjson.loads(b"{%b}" % body)
    replaced: Replaced = []
    _cut_texts(value, "$", limit // 16, replaced)
    if len(orjson.dumps(value)) > limit:
        for name, field in value.items():
            size = len(orjson.dumps(field))
            if size > limit // 16:
                replaced.append(_cut_note(f"$.{name}", orjson.dumps(field)))
                value[name] = None
    data = orjson.dumps(value)[1:-1]
    if b'"replaced":' in data[:1000]:
        return data
    return b'%b,"replaced":%b' % (data, to_json(replaced)[0])


def _cut_texts(value: Any, path: str, longest: int, replaced: Replaced) -> None:
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, item in pairs:
        where = f"{path}.{key}" if isinstance(value, dict) else f"{path}[{key}]"
        if isinstance(item, str) and len(item) > longest:
            replaced.append(_cut_note(where, item.encode()))
            value[key] = item[:MAX_KEPT]
        elif isinstance(item, (dict, list)):
            _cut_texts(item, where, longest, replaced)


def _cut_note(path: str, original: bytes) -> dict[str, str]:
    digest = hashlib.sha256(original).hexdigest()
    return {"path": path, "reason": f"too large: {len(original)} bytes, sha256 {digest}"}


def _event_fields(event: Any) -> Any:
    """An event as plain fields, by AG2's own serialisers as far as these work."""
    try:
        # as any: a handoff's target is declared by its base class, which has none of the target's own fields
        return event.__pydantic_serializer__.to_python(event, warnings=False, serialize_as_any=True)
    except Exception:
        name = _get(event, "type", None)
        return {
            "type": name if isinstance(name, str) else type(event).__name__,
            "content": _get(event, "content", event),
        }


def _get(value: Any, name: str, default: Any) -> Any:
    try:
        return getattr(value, name, default)
    except Exception:
        return default


def _by_hand(value: Any, opened: int = 0, masks: bool = False) -> tuple[bytes, Replaced]:
    walk = _Walk(opened, masks)
    try:
        plain = walk.plain(value, "$", 0)
        return orjson.dumps(plain), walk.replaced
    except Exception as error:
        note = {"path": "$", "reason": f"{type(value).__name__} could not be serialised: {type(error).__name__}"}
        return b"{}" if isinstance(value, dict) else b"null", [note]


def is_panic(error: BaseException) -> bool:
    """Whether a serialiser written in Rust gave up, for want of memory: no `Exception`, and nobody's wish to stop."""
    return type(error).__name__ == "PanicException"


class _Walk:
    """One pass over a value that the serialisers refused.

    Args:
        opened: as in `to_json`.
        masks: as there.
    """

    def __init__(self, opened: int, masks: bool) -> None:
        self.opened = opened
        self.masks = masks
        self.replaced: Replaced = []
        self.above: set[int] = set()

    def note(self, path: str, reason: str) -> None:
        self.replaced.append({"path": path, "reason": reason})

    def plain(self, value: Any, path: str, depth: int) -> Any:
        """The value as what JSON knows. One that raises when it is looked at costs no more than itself."""
        before = len(self.replaced)
        try:
            return self.looked_at(value, path, depth)
        except Exception as error:
            del self.replaced[before:]
            return self.refused(value, path, error)

    def refused(self, value: Any, path: str, error: Exception) -> str:
        """What stands for a value that raised."""
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        self.note(path, f"{kind}, which raised {type(error).__name__}")
        return f"<{kind}>"

    def looked_at(self, value: Any, path: str, depth: int) -> Any:
        """The value as what JSON knows, unless it raises."""
        if value is None or value is True or value is False:
            return value
        if isinstance(value, float):
            return self.number(value, path)
        if isinstance(value, str):
            return self.text(value, path)
        if isinstance(value, int) and not isinstance(value, Enum):
            return self.integer(value, path)
        if isinstance(value, (UUID, datetime, date, time, PathLike)):
            return self.text(fspath(value) if isinstance(value, PathLike) else str(value), path)
        if depth >= MAX_DEPTH:
            self.note(path, "nested too deeply")
            return None
        if id(value) in self.above:
            self.note(path, "contains itself")
            return None
        self.above.add(id(value))
        try:
            return self.nested(value, path, depth + 1)
        finally:
            self.above.discard(id(value))

    def nested(self, value: Any, path: str, depth: int) -> Any:
        """The value as what JSON knows, where it may hold others."""
        if isinstance(value, Mapping):
            return self.mapping(value, path, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.plain(item, f"{path}[{i}]", depth) for i, item in enumerate(list(value))]
        if isinstance(value, Enum):
            return self.plain(value.value, path, depth)
        if isinstance(value, (bytes, bytearray)):
            return self.binary(bytes(value), path)
        if isinstance(value, BaseException):
            self.note(path, f"exception {type(value).__name__}")
            return self.plain(error_fields(value), path, depth)
        if is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.member(value, field.name, path, depth) for field in fields(value)}
        if hasattr(type(value), "__pydantic_serializer__"):
            return self.model(value, path, depth)
        return self.thing(value, path, depth)

    def mapping(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        """A mapping, with keys made of text."""
        plain: dict[str, Any] = {}
        for key, item in list(value.items()):
            try:
                name = self.text(str(key), path)
            except Exception as error:
                name = self.refused(key, path, error)
            while name in plain:  # two keys with the same text
                name += "'"
            is_key = self.masks and isinstance(item, str) and is_secret(name, item)
            plain[name] = MASKED if is_key else self.plain(item, f"{path}.{name}", depth)
        return plain

    def member(self, value: Any, name: str, path: str, depth: int) -> Any:
        """An attribute."""
        try:
            inner = getattr(value, name, None)
        except Exception as error:
            return self.refused(value, f"{path}.{name}", error)
        return self.plain(inner, f"{path}.{name}", depth)

    # the built-in types' own methods, because a subclass may do anything in its own

    def text(self, value: str, path: str) -> str:
        try:
            str.encode(value)
        except UnicodeEncodeError:
            self.note(path, "text with lone surrogates, written as \\udXXX")
            return str.encode(value, "utf-8", "backslashreplace").decode()
        return str.__str__(value)

    def integer(self, value: int, path: str) -> Any:
        number = int.__index__(value)
        if -INT64 <= number < INT64:
            return number
        self.note(path, "integer beyond 64 bits")
        return hex(number)

    def number(self, value: float, path: str) -> float | None:
        """A float; JSON has no number for one that is not finite."""
        number = float.__float__(value)
        if isfinite(number):
            return number
        self.note(path, repr(number))
        return None

    def binary(self, value: bytes, path: str) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.note(path, f"{len(value)} bytes that are no UTF-8")
            return value[:MAX_TEXT].decode("utf-8", "backslashreplace")

    def model(self, value: Any, path: str, depth: int) -> Any:
        try:
            dumped = value.__pydantic_serializer__.to_python(value, warnings=False, serialize_as_any=True)
        except Exception:
            dumped = dict(vars(value))
        return self.plain(dumped, path, depth)

    def thing(self, value: Any, path: str, depth: int) -> Any:
        """Any other object: an array as a list, an agent as its name, one of a response as its attributes, the rest as
        text."""
        module = type(value).__module__
        kind = f"{module}.{type(value).__qualname__}"
        if module == "numpy" and hasattr(value, "tolist") and getattr(value, "size", 0) <= MAX_TEXT:
            return self.plain(value.tolist(), path, depth)
        name = getattr(value, "name", None) if module.startswith("autogen") else None
        if isinstance(name, str):
            self.note(path, f"{kind}, by its name")
            return self.text(name, path)
        attributes = _get(value, "__dict__", None) if self.opened and not callable(value) else None
        if attributes and isinstance(attributes, dict):
            self.opened -= 1
            return self.mapping({k: v for k, v in attributes.items() if not str(k).startswith("_")}, path, depth)
        self.note(path, kind)
        try:
            if callable(value) and hasattr(value, "__qualname__"):
                return self.text(f"{getattr(value, '__module__', '')}.{value.__qualname__}", path)
            return self.text(repr(value)[:MAX_TEXT], path)
        except Exception:
            return f"<{kind}>"
