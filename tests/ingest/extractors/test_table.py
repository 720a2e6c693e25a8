"""The table of extractors: every example holds, and names are unique."""

from __future__ import annotations

import json

import pytest

from ingest.extractors import EXTRACTORS, Extractor, argument_files, extract_code, extract_text


def findings(extractor: Extractor) -> set[tuple[str, str]]:
    """(operation, item) of everything that the public functions find in an extractor's example by its name."""
    if extractor.text == "prose":
        return {(hit.operation, hit.path) for hit in extract_text(extractor.example) if hit.method == extractor.name}
    if extractor.text == "tool call":
        call = json.loads(extractor.example)
        return {(hit.operation, hit.path) for hit in argument_files(call["tool"], call["args"])}
    languages = {"shell": ["sh"], "code": ["python", "javascript", ""]}.get(extractor.text, [extractor.text])
    found: set[tuple[str, str]] = set()
    for language in languages:
        facts = extract_code(extractor.example, language)
        found |= {(hit.operation, hit.path) for hit in (*facts.writes, *facts.reads) if hit.method == extractor.name}
        found |= {("import", name) for name in facts.imports if any(kind == "import" for kind, _ in extractor.found)}
    return found


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=lambda extractor: extractor.name)
def test_example_is_found(extractor: Extractor) -> None:
    """Each extractor finds in its own example what the table says, under its own name, and nothing else."""
    assert findings(extractor) == set(extractor.found)


def test_names_are_unique() -> None:
    """A name in `Hit.method` leads to one row of the table."""
    names = [extractor.name for extractor in EXTRACTORS]
    assert len(names) == len(set(names))
