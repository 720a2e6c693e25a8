"""Which messages are words of a chat: not those that a group's manager passes on, says again or announces."""

from collections.abc import Container
from typing import Any

from ingest import facts
from ingest.messages import Message
from ingest.talk import Talk

HANDED_OVER = "[FUNCTION_HANDOFF]"
"""How a manager's words begin that a function of the user's says when it chooses an agent."""

INTRODUCTION = "Hello everyone. We have assembled a great team today"
"""How AG2 has a manager introduce the members, where the group has no words of its own for it."""

MANAGER = "chat_manager"
"""What AG2 calls a manager to whom nobody gives a name."""

NO_MANAGERS = ("ConversableAgent", "AssistantAgent", "UserProxyAgent")
"""AG2's own classes of most agents."""

USER = "_User"
"""Who opens a pattern's chat where the user's code names nobody. AG2 takes that name out of the history, and has the
manager say the words where the group goes on with it."""


class Relayed:
    """Tells what else than words of their sender a message is.

    Args:
        agents: what the run's records say of each agent, by name; filled in while the run is read.
    """

    def __init__(self, agents: dict[str, dict[str, Any]]) -> None:
        self._agents = agents

    def is_told_again(self, said: facts.Said, talk: Talk) -> bool:
        """Whether a group chat is resumed, and its manager told again what a member has said before.

        AG2 has the members say their messages again in silence, as the history has them, with the name of the author;
        the last of them then opens the chat anew.
        """
        message, manager = said.message, said.message.recipient
        if talk.histories and (history := talk.goes_on(manager)) is not None:
            return history.is_known(message.key())
        if not self.is_manager(manager):
            return False
        if message.name is None or message.name != message.sender:
            talk.told_again.clear()
            return False
        if said.silent is None and said.channel == "logger":
            # AG2's own logs do not tell which were silent, nor any with the author's name but these
            return talk.is_told_again(message.key())
        is_known = message.key() in talk.recent
        if said.silent:
            if is_known:
                talk.resumed.add(manager)
            return is_known
        opens = said.silent is False and manager in talk.resumed
        talk.resumed.discard(manager)
        return opens and is_known

    def give_back(self, message: Message, known: Container[int]) -> bool:
        """Whether a manager says again what `USER` has said. These are then words of that one.

        Args:
            message: of a history that a group goes on with.
            known: keys of what was said before it.
        """
        if message.key() in known or message.key(author=USER) not in known or not self.is_manager(message.sender):
            return False
        message.sender = message.name = USER
        return True

    def is_manager(self, agent: str | None) -> bool:
        """Whether this is the manager of a group chat."""
        about = self._agents.get(agent or "", {})
        return bool(about.get("members")) or about.get("class") == "GroupChatManager"

    def _may_manage(self, agent: str | None) -> bool:
        """Whether an agent may be a manager for all that is known. AG2's logs tell of one that was made before them no
        more than its class, which may be the user's own. Of any other, words in another one's name are those that it
        passes on to somebody of its own accord."""
        about = self._agents.get(agent or "", {})
        return about.get("class") not in NO_MANAGERS and about.keys() <= {"name", "class"}

    def is_announced(self, said: facts.Said) -> bool:
        """Whether a manager tells members of its group something of AG2's: in silence who they are, or what a function
        says that chose one of them. These are no words of the conversation.
        """
        message = said.message
        if not self._are_own(message):
            return False
        if said.silent is None and message.plain.startswith(INTRODUCTION):
            # AG2's own logs do not tell what is silent nor always who is a member, saved histories not who is told
            is_usual = said.channel == "transcript" and message.sender == MANAGER
            return is_usual or self.is_manager(message.sender)
        members = self._agents.get(message.sender or "", {}).get("members")
        is_member = isinstance(members, list) and message.recipient in members
        return is_member and (bool(said.silent) or message.plain.startswith(HANDED_OVER))

    def is_copy(self, message: Message, talk: Talk) -> bool:
        """Whether a group chat's manager passes on what it was told, or tells one more member what it told others.

        The manager sends every message to all other members, under its own name as the sender; the message itself
        names its author. Where the original is not in the run, the first copy stands for it. Its own words, such as
        the introduction of the members, go to one member after the other. Puts the author into it as its sender.
        """
        if self._are_own(message):
            return self._is_told_around(message, talk) or self.give_back(message, talk.recent)
        # the answer to a legacy function call has the function's name
        manager, author = message.sender, talk.last_speaker if message.role == "function" else message.name
        original, key = talk.latest.get(author), message.key(author=author)
        of_manager = self.is_manager(manager)
        is_latest = original is not None and original.key == key
        heard = original.recipients if original else set()
        is_due = manager in heard and message.recipient not in heard
        # a safeguard may have put other words in place of the author's
        if original and is_due and (of_manager or (is_latest and self._may_manage(manager))):
            original.recipients.add(message.recipient)
            message.sender = author
            return True
        if not of_manager:
            return False
        message.sender = author
        if key in talk.recent:
            return True
        message.recipient = manager
        return False

    def _are_own(self, message: Message) -> bool:
        """Whether these are words of the sender's own, a manager's in the name of a function among them."""
        if not message.name or message.name == message.sender:
            return True
        return message.plain.startswith(HANDED_OVER) and self.is_manager(message.sender)

    def _is_told_around(self, message: Message, talk: Talk) -> bool:
        """Whether a manager has just said its own words to other members, and to this one not yet."""
        own = talk.latest.get(message.sender) if talk.last_speaker == message.sender else None
        if own is None or own.key != message.key() or message.recipient in own.recipients:
            return False
        if not self.is_manager(message.sender):
            return False
        own.recipients.add(message.recipient)
        return True
