"""The README's generated parts, and the runs of its examples.

`python -m tests.readme` writes the README anew: what stands between `<!-- begin X -->` and `<!-- end X -->` is made
here from the code, and the block after an example of SQL or of a command is what it prints on the sample runs.
`tests/test_readme.py` fails where the README says anything else.
"""

import re
import shlex
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from click.testing import CliRunner

import ingest
import ingest.cli
import queries
import queries.cli
from capture import format as journal
from ingest.extractors import EXTRACTORS
from ingest.quality import CHECKS
from ingest.schema import TABLES
from queries.formats import write
from queries.reference import reference

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PLACEHOLDER = ".traces"
"""The folder of tables that the README's examples name; here they are run on another."""

_GENERATED = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_SQL = re.compile(r"(```sql\n(.*?)```\n\n```text\n).*?(```\n)", re.DOTALL)
_CONSOLE = re.compile(r"(```console\n\$ (queries .*?)\n)(.*?)(```\n)", re.DOTALL)


def journal_reference(traces: Path) -> str:
    """The format of the journal."""
    rows = ["| field | meaning |", "| --- | --- |"]
    rows += [f"| `{name}` | {doc} |" for name, doc in journal.COMMON.items()]
    parts = ["Fields of every record, the first four always:", "\n".join(rows), "Kinds, and what each has besides:"]
    rows = ["| kind | fields |", "| --- | --- |"]
    rows += [
        f"| `{kind}` | " + "; ".join(f"`{name}` {doc}" for name, doc in fields.items()) + " |"
        for kind, fields in journal.KINDS.items()
    ]
    return "\n\n".join([*parts, "\n".join(rows)]) + "\n"


def table_reference(traces: Path) -> str:
    """The tables and the views, with their columns."""
    parts = []
    for table in TABLES.values():
        rows = [f"| `{c.name}` | {c.type} | {c.doc} |" for c in table.columns]
        header = ["| column | type | meaning |", "| --- | --- | --- |"]
        parts.append("\n".join([f"**`{table.name}`** {table.doc}", "", *header, *rows]))
    con = queries.connect(traces)
    views = con.execute(
        "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal ORDER BY 1"
    ).fetchall()
    for view in sorted({view for (view,) in views} - TABLES.keys()):
        columns = con.execute(f'DESCRIBE "{view}"').fetchall()
        parts.append(f"**`{view}`** (view) " + ", ".join(f"`{column[0]}`" for column in columns))
    return "\n\n".join(parts) + "\n"


def extractor_reference(traces: Path) -> str:
    """What is found in text, and how."""
    rows = ["| method | finds | in | example |", "| --- | --- | --- | --- |"]
    for extractor in EXTRACTORS:
        example = extractor.example.replace("|", "\\|").replace("\n", " ⏎ ")
        rows.append(f"| `{extractor.name}` | {extractor.finds} | {extractor.text} | `{example}` |")
    return "\n".join(rows) + "\n"


def quality_reference(traces: Path) -> str:
    """The checks of a response's quality."""
    rows = ["| check | kind | a response fails it when |", "| --- | --- | --- |"]
    rows += [f"| `{check.name}` | {check.kind} | {check.rule} |" for check in CHECKS]
    return "\n".join(rows) + "\n"


def query_reference(traces: Path) -> str:
    """The named queries."""
    return reference(traces)


PARTS: dict[str, Callable[[Path], str]] = {
    "journal": journal_reference,
    "tables": table_reference,
    "quality": quality_reference,
    "extractors": extractor_reference,
    "queries": query_reference,
}


def rendered(text: str, traces: Path) -> str:
    """The README as it ought to be.

    Args:
        text: the README as it is.
        traces: tables of the sample runs.
    """
    text = _GENERATED.sub(lambda m: f"{m[1]}\n{PARTS[m[2]](traces)}\n{m[3]}", text)
    text = _SQL.sub(lambda m: m[1] + _answer(m[2], traces) + m[3], text)
    return _CONSOLE.sub(lambda m: m[1] + _output(m[2], traces) + m[4], text)


def _answer(sql: str, traces: Path) -> str:
    out = StringIO()
    con = queries.connect(traces)
    write(con.execute(sql), "table", out)
    return out.getvalue()


def _output(command: str, traces: Path) -> str:
    arguments = [str(traces) if a == PLACEHOLDER else a for a in shlex.split(command)[1:]]
    result = CliRunner().invoke(queries.cli.queries, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def sample_traces(folder: Path) -> Path:
    """Ingest the sample runs into `<folder>/traces`."""
    traces = folder / "traces"
    ingest.run([str(ROOT / "sample_runs")], str(traces))
    return traces


def main() -> None:
    """Write the README anew."""
    with tempfile.TemporaryDirectory() as folder:
        README.write_text(rendered(README.read_text(encoding="utf-8"), sample_traces(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
