"""What tests of all packages share: a scripted language model that AG2's real OpenAI client talks to."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import hypothesis
import pytest

from sample_runs.scripted_llm import Script, ScriptedLLM

# Machines are noisy: how long one example takes is no finding.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

FEW = 1
"""Cases of a test marked `few` that always run. The others are variations, and run with the slow tests."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what comes after the first cases of tests marked `few`, and after the first tests of files that
    say how many of theirs always run."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("few"):
            name = item.nodeid.partition("[")[0]
            seen[name] += 1
            if seen[name] > FEW:
                item.add_marker(pytest.mark.slow)
        first = item.get_closest_marker("first")
        if first and not item.get_closest_marker("slow"):
            file = item.nodeid.partition("::")[0]
            seen[file] += 1
            if seen[file] > first.args[0]:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


StartLLM = Callable[[Script], ScriptedLLM]


@pytest.fixture
def scripted_llm() -> Iterator[StartLLM]:
    """Starts a `ScriptedLLM` with the script given to it; all of a test's servers are closed at its end."""
    with ExitStack() as servers:
        yield lambda script: servers.enter_context(ScriptedLLM(script))
