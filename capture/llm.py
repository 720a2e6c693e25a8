"""LLM calls as what is new in them.

AG2 sends the whole conversation with every request, so a journal of whole requests grows with the square of its
length. A request is therefore written as what it adds to an earlier request of the same agent (`base`): the fields
and messages that are equal are left out, and the reader puts them back.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final

from capture import encode

CANDIDATES: Final = 4
"""Requests remembered per agent: a nested chat or a summary in between must not break the chain."""
AGENTS: Final = 256
"""Agents whose requests are remembered, the latest."""
SECRET_FIELDS: Final = frozenset(
    {
        "api_key",
        "apikey",
        "authorization",
        "password",
        "secret",
        "credential",
        "access_token",
        "auth_token",
        "azure_ad_token",
        "azure_ad_token_provider",
        "aws_access_key",
        "aws_secret_key",
        "aws_session_token",
        "gcp_auth_token",
        "default_headers",
        "extra_headers",
    }
)
"""Request fields that are left out, because what they hold opens doors."""


class Written:
    """A request as it was written: its number, and marks by which equal parts are found again."""

    __slots__ = ("fields", "messages", "seq")

    def __init__(self, seq: int, messages: list[int], fields: dict[str, int]) -> None:
        self.seq = seq
        self.messages = messages
        self.fields = fields


class Delta:
    """A request, as what is new in it.

    Attributes:
        json: the fields `request`, `base`, `base_messages` and `same`, as JSON without braces.
        replaced: what could not be serialised.
    """

    __slots__ = ("_fields", "_messages", "json", "replaced")

    def __init__(self, json: bytes, messages: list[int], fields: dict[str, int], replaced: encode.Replaced) -> None:
        self.json = json
        self.replaced = replaced
        self._messages = messages
        self._fields = fields

    def written(self, seq: int) -> Written:
        """What to remember once the record is in the journal."""
        return Written(seq, self._messages, self._fields)


class Requests:
    """The latest requests of each agent of a run."""

    def __init__(self) -> None:
        self._of_agent: OrderedDict[str, deque[Written]] = OrderedDict()

    def delta(self, agent: str, request: Mapping[str, Any]) -> Delta:
        """A request as what it adds to an earlier one of the same agent."""
        replaced: encode.Replaced = []
        messages = request.get("messages")
        parts = [self._part(m, "$.request.messages", replaced) for m in messages] if isinstance(messages, list) else []
        marks = [hash(part) for part in parts]
        values = {
            name: self._part(value, f"$.request.{name}", replaced)
            for name, value in request.items()
            if name.lower() not in SECRET_FIELDS and not (name == "messages" and isinstance(messages, list))
        }
        field_marks = {name: hash(value) for name, value in values.items()}
        base, shared = self._base(agent, marks)
        same = [name for name, mark in field_marks.items() if base is not None and base.fields.get(name) == mark]
        left = [b"%b:%b" % (encode.to_json(n)[0], v) for n, v in values.items() if n not in same]
        if isinstance(messages, list):
            left.append(b'"messages":[%b]' % b",".join(parts[shared:]))
        json = b'"request":{%b},"base":%b,"base_messages":%d,"same":%b' % (
            b",".join(left),
            b"null" if base is None else b"%d" % base.seq,
            shared,
            encode.to_json(same)[0],
        )
        return Delta(json, marks, field_marks, replaced)

    def remember(self, agent: str, written: Written) -> None:
        """Makes a request that was written a base for later ones."""
        latest = self._of_agent.get(agent)
        if latest is None:
            latest = self._of_agent[agent] = deque(maxlen=CANDIDATES)
            if len(self._of_agent) > AGENTS:
                self._of_agent.popitem(last=False)
        self._of_agent.move_to_end(agent)
        latest.append(written)

    def _base(self, agent: str, marks: list[int]) -> tuple[Written | None, int]:
        """The remembered request that has most in common with this one, and how many messages that is."""
        best: Written | None = None
        most = -1
        for candidate in list(self._of_agent.get(agent, ()))[::-1]:
            shared = 0
            for mine, theirs in zip(marks, candidate.messages, strict=False):
                if mine != theirs:
                    break
                shared += 1
            if shared > most:
                best, most = candidate, shared
        return best, max(most, 0)

    @staticmethod
    def _part(value: Any, path: str, replaced: encode.Replaced) -> bytes:
        data, notes = encode.to_json(value)
        replaced.extend({**note, "path": path + note["path"][1:]} for note in notes)
        return data
