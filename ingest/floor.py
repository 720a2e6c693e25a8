"""Who spoke before whom: an agent takes over from the one whom it heard last.

Several chats may go on at once in one thread, so the message before in time need not be the one that was answered.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class _Heard:
    speaker: str | None
    position: int


class Floor:
    """Who heard whom in one run. Positions order the messages."""

    def __init__(self) -> None:
        self._heard: dict[str | None, _Heard] = {}
        self._spoke: dict[str | None, int] = {}
        self._latest: str | None = None
        self._relayed = False
        """A group chat's manager was seen to pass messages on, so what a member heard is known."""

    def copy(self) -> "Floor":
        """The same, apart from what comes later."""
        other = Floor()
        other._heard, other._spoke = dict(self._heard), dict(self._spoke)
        other._latest, other._relayed = self._latest, self._relayed
        return other

    def said(self, speaker: str | None, recipient: str | None, position: int) -> None:
        """`speaker` said something to `recipient`."""
        self._spoke[speaker] = position
        self._heard[recipient] = _Heard(speaker, position)
        self._latest = speaker

    def relayed(self, author: str | None, member: str | None, position: int) -> None:
        """A manager passed on to `member` what `author` said."""
        self._heard[member] = _Heard(author, position)
        self._relayed = True

    def heard(self, agent: str | None) -> str | None:
        """Who spoke last to an agent, or had its words passed on to it."""
        heard = self._heard.get(agent)
        return heard.speaker if heard is not None else None

    def asker(self, agent: str | None) -> str | None:
        """Who spoke last to an agent that has said nothing since."""
        heard = self._heard.get(agent)
        return heard.speaker if heard is not None and heard.position > self._spoke.get(agent, -1) else None

    def before(self, agent: str | None, recipient: str | None = None) -> str | None:
        """Whom an agent takes over from when it speaks, to `recipient` where that is known.

        Returns:
            None where nobody spoke before, or where the agent itself did and goes on.
        """
        spoke = self._spoke.get(agent, -1)
        heard = self._heard.get(agent)
        if heard is not None and heard.position > spoke and agent is not None:
            return heard.speaker
        # Without a manager's copies: in a group the last who spoke to the manager, elsewhere the last who spoke.
        to_same = self._heard.get(recipient) if recipient is not None else None
        if to_same is not None and to_same.position > spoke and recipient not in self._spoke:
            return to_same.speaker if to_same.speaker != agent else None
        if recipient is None and not self._relayed and self._latest != agent:
            return self._latest
        return None
