"""How a group's next speaker was chosen, as far as AG2's events tell."""

from pathlib import Path

import pytest

from tests.ingest.conftest import Ingest
from tests.ingest.tables import event, text, write_journal


def test_tries_of_a_model_to_choose_are_told_with_the_choice(runs: Path, ingested: Ingest) -> None:
    """Those that named nobody or several, and the one that named an agent; the next choice begins anew."""
    write_journal(
        runs,
        "r",
        text("a", "boss", "who goes on?"),
        event("speaker_attempt_failed_no_agents", mentions={}),
        event("speaker_attempt_failed_multiple_agents", mentions={"b": 1, "c": 2, "odd": "x"}),
        event("speaker_attempt_successful", mentions={"b": 1}),
        event("group_chat_run_chat", speaker="b"),
        text("b", "boss", "I do"),
        event("group_chat_run_chat", speaker="c"),
        text("c", "boss", "and I"),
    )
    first, second = (handoff["meta"] for handoff in ingested(runs).events("handoff"))
    assert first["selection"] == "auto"
    assert first["attempts"] == [
        {"succeeded": False, "mentions": {}},
        {"succeeded": False, "mentions": {"b": 1, "c": 2}},
        {"succeeded": True, "mentions": {"b": 1}},
    ]
    assert (second["selection"], "attempts" in second) == (None, False)


@pytest.mark.parametrize(("other", "selection"), [("round_robin", "round_robin"), ("auto", None)])
def test_where_no_group_is_named_all_may_choose_in_one_way(
    other: str, selection: str | None, runs: Path, ingested: Ingest
) -> None:
    """Then it is known how this one does, whichever it is; where they differ nobody knows."""
    groups = [("boss", "round_robin"), ("chief", other)]
    write_journal(
        runs,
        "r",
        *({"kind": "agent", "name": name, "members": ["a", "b"], "selection": how} for name, how in groups),
        text("a", "somebody", "go on"),
        event("group_chat_run_chat", speaker="b"),
        text("b", "somebody", "I do"),
    )
    (handoff,) = ingested(runs).events("handoff")
    assert (handoff["meta"]["selection"], handoff["meta"]["group"]) == (selection, None)
