"""Files that a tool call names in its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.extractors import argument_files


@pytest.mark.parametrize(
    ("tool", "arguments", "found"),
    [
        ("write_file", {"path": "out/tool.md", "text": "see a.csv"}, {"write": ["out/tool.md"]}),
        ("read_file", {"file_path": "notes.txt"}, {"read": ["notes.txt"]}),
        ("readFile", {"filename": "a.weird1"}, {"read": ["a.weird1"]}),
        ("describe_station", {"station": "west", "path": "data/day_1.json"}, {"read": ["data/day_1.json"]}),
        ("convert", {"input_path": "a.csv", "outputPath": "b.parquet"}, {"read": ["a.csv"], "write": ["b.parquet"]}),
        ("copy", {"source": "a.csv", "destination": "b.csv"}, {"read": ["a.csv"], "write": ["b.csv"]}),
        ("compile", {"file": "main.tex"}, {"mention": ["main.tex"]}),
        ("load_tables", {"files": ["a.csv", "b.csv"]}, {"read": ["a.csv", "b.csv"]}),
        ("save", {"params": {"path": "x.json", "indent": 2}}, {"write": ["x.json"]}),
        ("write_file", {"path": "out", "folder": "data/"}, {}),
        ("fetch", {"path": "https://example.org/a.csv", "url": "https://example.org/b.csv"}, {}),
        ("greet", {"name": "Dr. Who", "target": "example.com", "message": "a.csv"}, {}),
        ("read_file", {"path": None, "file": 3, "files": [None, {"a.csv": 1}]}, {}),
        ("sh", {"script": "pip install ccxt > install.log"}, {}),
        ("sh", {"script": "python train.py", "source": "cat a.txt", "name": "ls -la b.txt"}, {}),
        ("run", {"path": "python x.py > a.log"}, {}),
        ("ask", {"input": "Summarize report.pdf", "output": "It is in the file plot.png"}, {}),
        ("save", {"output": "my report.pdf", "path": "d/My File.pdf"}, {"write": ["my report.pdf", "d/My File.pdf"]}),
        ("load", {"source": "/home/me/my docs/a.pdf"}, {"read": ["/home/me/my docs/a.pdf"]}),
        (
            "load",
            {"source": "data/sales 2024.csv", "notebook": "My Analysis.ipynb"},
            {"read": ["data/sales 2024.csv", "My Analysis.ipynb"]},
        ),
        (
            "write_file",
            {"path": "Terms and Conditions of the Service.pdf"},
            {"write": ["Terms and Conditions of the Service.pdf"]},
        ),
        (
            "read_file",
            {"file_path": "How to cook in $ -v2.txt", "path": "R&D/my plan.xlsx"},
            {"read": ["How to cook in $ -v2.txt", "R&D/my plan.xlsx"]},
        ),
        ("read_file", "notes.txt", {}),
        ("", None, {}),
    ],
)
def test_what_becomes_of_a_file(tool: str, arguments: Any, found: dict[str, list[str]]) -> None:
    """The argument's name tells it, or else the tool's; addresses, folders and other texts are no files."""
    hits: dict[str, list[str]] = {}
    for hit in argument_files(tool, arguments):
        hits.setdefault(hit.operation, []).append(hit.path)
    assert hits == found


def test_many_arguments_are_bounded() -> None:
    """A hostile call with a hundred thousand paths names as many as are looked at."""
    assert len(argument_files("read", {f"path_{n}": f"{n}.csv" for n in range(100_000)})) == 100
    assert len(argument_files("read", {"paths": [f"{n}.csv" for n in range(100_000)]})) == 100
