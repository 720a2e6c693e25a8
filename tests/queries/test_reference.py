"""The query reference says what the files and the data say."""

import subprocess
import sys
from pathlib import Path

import queries
from queries.reference import reference


def test_every_query_is_explained(sample_traces: Path) -> None:
    """Each query has a section with its question, parameters, columns and a real answer."""
    text = reference(sample_traces)
    con = queries.connect(sample_traces)
    sections = {section.split("`", 1)[0]: section for section in text.split("#### `")[1:]}
    assert list(sections) == queries.names()
    for name, section in sections.items():
        query = queries.find(name)
        assert query.question in section
        assert all(f"`{parameter.name}` {parameter.type}" in section for parameter in query.parameters)
        assert all(f"| `{column}` | {doc} |" in section for column, doc in query.columns.items())
        rows = queries.run(name, con, **query.example).fetchall()
        assert rows
        assert all(f"--set {parameter}=" in section for parameter in query.example)
        assert not query.example or not queries.run(name, con).fetchall()
        assert (f"... {len(rows) - 3} more" in section) == (len(rows) > 3)


def test_the_reference_is_printed(sample_traces: Path) -> None:
    """`python -m queries.reference` prints it, with and without answers."""
    for arguments in ([], ["--db", str(sample_traces)]):
        command = [sys.executable, "-m", "queries.reference", *arguments]
        done = subprocess.run(
            command,
            cwd=Path(queries.__file__).parents[1],
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=60,
        )
        assert done.stdout == reference(sample_traces if arguments else None)
