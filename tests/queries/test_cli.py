"""The command `queries`, as a user runs it."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import queries
import queries.cli
from tests.queries.conftest import ingest
from tests.queries.database import Builder

ROOT = Path(__file__).parents[2]
HOSTILE = "a\x1b[2J\x07\x00b|<img src=x>\n[c](d) _e_ \u202edcba"


def command(*arguments: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m queries` and returns what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "queries", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def answer(*arguments: str | Path) -> str:
    """What a command prints that must succeed without a word on stderr."""
    done = command(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_without_a_name_it_lists_the_groups() -> None:
    """The list shows every query with its question below its group."""
    lines = answer().splitlines()
    assert "tools" in lines
    for name in queries.names():
        assert any(line.split() == [name, *queries.find(name).question.split()] for line in lines)


def test_the_list_for_programs() -> None:
    """`--json` lists name, group, question, parameters with type and default, and columns."""
    library = {entry["name"]: entry for entry in json.loads(answer("--json"))}
    assert list(library) == queries.names()
    chains = library["tool_chains"]
    assert chains["group"] == "tools"
    (min_count,) = (parameter for parameter in chains["parameters"] if parameter["name"] == "min_count")
    assert (min_count["type"], min_count["default"], min_count["doc"]) == ("BIGINT", 2, "how often, at least")
    (kept,) = (p for p in library["frequent_subsequences"]["parameters"] if p["name"] == "max_patterns")
    assert (min_count["least"], kept["least"]) == (None, 1)
    assert [column["name"] for column in chains["columns"]] == ["tools", "length", "count", "runs", "failed", "note"]


def test_show_prints_the_file() -> None:
    """`queries show NAME` prints the SQL as it stands in the package."""
    assert answer("show", "tool_chains") == queries.find("tool_chains").sql


def test_help_of_a_query_explains_it() -> None:
    """`queries NAME --help` tells the question, the parameters and the columns."""
    text = answer("tool_chains", "--help")
    assert queries.find("tool_chains").question in text
    assert "min_count BIGINT = 2" in text
    assert "names of the tools of one chat, in order" in text


def test_formats_agree(database: Path) -> None:
    """Each format holds the same rows as the query returns."""
    expected = queries.run("tool_chains", queries.connect(database), min_count=4).fetchall()
    arguments = ("tool_chains", "--db", database.parent, "--set", "min_count=4", "--format")
    records = json.loads(answer(*arguments, "json"))
    assert [tuple(record.values()) for record in records] == expected
    rows = list(csv.DictReader(io.StringIO(answer(*arguments, "csv"))))
    assert [json.loads(row["tools"]) for row in rows] == [row[0] for row in expected]
    table = answer(*arguments, "table").splitlines()
    assert [line.split()[-1] for line in table[2:]] == [str(row[-2]) for row in expected]
    markdown = answer(*arguments, "md").splitlines()
    assert markdown[:2] == [
        "| tools | length | count | runs | failed | note |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    assert len(markdown) == 2 + len(expected)


def test_limit(database: Path) -> None:
    """`--limit` prints so many rows; none is a valid number, and so is one beyond any count."""
    many = answer("run_overview", "--db", database, "--limit", "9" * 23, "--format", "json")
    assert len(json.loads(many)) == 5
    assert len(json.loads(answer("run_overview", "--db", database, "--limit", "2", "--format", "json"))) == 2
    assert json.loads(answer("run_overview", "--db", database, "--limit", "0", "--format", "json")) == []


def test_columns(database: Path) -> None:
    """`--columns` prints the named columns in the order given, in every format."""
    arguments = ("tool_chains", "--db", database, "--limit", "1", "--columns", "runs, tools", "--format")
    assert json.loads(answer(*arguments, "json")) == [{"runs": 4, "tools": ["search", "read", "write"]}]
    assert answer(*arguments, "csv").splitlines()[0] == "runs,tools"
    assert answer(*arguments, "table").splitlines()[0].split() == ["runs", "tools"]
    assert answer(*arguments, "md").splitlines()[:2] == ["| runs | tools |", "| ---: | --- |"]


def test_json_columns_are_nested(database: Path) -> None:
    """A JSON column is an object in the JSON output, not a text that holds one."""
    (decision,) = json.loads(
        answer("action_trace", "--db", database, "--set", "run_id=actions", "--limit", "1", "--format", "json")
    )
    assert decision["action_details"] == {"chosen": "engineer"}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A database in which an agent has a name made to do harm."""
    builder = Builder()
    run = builder.run("r")
    run.turn(HOSTILE)
    run.turn("b")
    return builder.write(tmp_path / "traces.duckdb")


def test_hostile_text_does_not_reach_the_terminal(hostile: Path) -> None:
    """Control characters and marks that turn the direction of writing are shown as escapes, each row on one line."""
    for form in ("table", "md"):
        text = answer("agent_handoffs", "--db", hostile, "--format", form)
        assert all(character.isprintable() or character == "\n" for character in text)
        assert len(text.splitlines()) == 3
        assert "\\x1b" in text


def test_hostile_text_stays_a_markdown_cell(hostile: Path) -> None:
    """Pipes, tags and links in a cell are text in the Markdown table."""
    row = answer("agent_handoffs", "--db", hostile, "--format", "md").splitlines()[2]
    assert r"\|&lt;img src=x&gt;" in row
    assert r"\[c\](d) \_e\_" in row


def test_hostile_text_is_whole_for_programs(hostile: Path) -> None:
    """CSV and JSON give every character back."""
    records = json.loads(answer("agent_handoffs", "--db", hostile, "--format", "json"))
    assert records[0]["from_agent"] == HOSTILE
    assert f'"{HOSTILE}",b,1' in answer("agent_handoffs", "--db", hostile, "--format", "csv")


@pytest.mark.filterwarnings("ignore::queries.QueryWarning")
def test_every_query_survives_hostile_text(hostile: Path) -> None:
    """No query fails on such names, and all of them print them safely."""
    con = queries.connect(hostile)
    for name in queries.names():
        queries.run(name, con).fetchall()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tool_chain",), "did you mean tool_chains"),
        (("TOOL_CHAINS",), "did you mean tool_chains"),
        (("show", "tool_chain"), "did you mean tool_chains"),
        (("tool_chains", "--db", "nowhere"), "'nowhere' is no traces folder, there is no such folder"),
        (("tool_chains", "--db", "."), "'.' is no traces folder, it holds no traces.duckdb"),
        (("tool_chains", "--db", "DATABASE", "--set", "min_count"), "--set takes NAME=VALUE, not 'min_count'"),
        (("tool_chains", "--db", "DATABASE", "--set", "min_count=x"), "min_count must be BIGINT, not 'x'"),
        (("tool_chains", "--db", "DATABASE", "--set", "count=1"), "has no parameter 'count': it has run_id"),
        (
            ("run_overview", "--db", "DATABASE", "--set", "status=done"),
            "status must be one of completed, failed, running, interrupted, not 'done'",
        ),
        (
            ("tool_chains", "--db", "DATABASE", "--columns", "tools,run"),
            "tool_chains has no column 'run': it has tools, length, count, runs, failed, note",
        ),
        (("tool_chains", "--format", "xml"), "'xml' is not one of"),
        (("tool_chains", "--limit", "-1"), "-1 is not in the range"),
        (("tool_chains", "--what"), "No such option"),
        (("--json", "tool_chains"), "for rows as JSON: `queries NAME --format json`"),
        (("--json", "show", "tool_chains"), "--json lists the queries and takes no NAME"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], message: str, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake ends with exit code 2, nothing on stdout, and a last line on stderr that says what is wrong."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        queries.cli.queries, [str(database) if word == "DATABASE" else word for word in arguments]
    )
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("run_timeline", "run_id=plot_1"), "run_timeline: there is no run 'plot_1': did you mean 'plot-1' or "),
        (("failed_executions", "agent_name=\x1b[2J"), "failed_executions: there is no agent '\\x1b[2J'"),
        (
            ("tool_chains", "min_count=99"),
            "tool_chains: no rows with min_length=2, max_length=5, min_count=99, min_runs=1",
        ),
        (("agent_performance", "hours=0.5"), "agent_performance: no rows with period=day, hours=0.5"),
    ],
)
def test_an_empty_answer_says_why(arguments: tuple[str, str], line: str, database: Path) -> None:
    """Where there are no rows, a line on stderr tells what was not found, or what the answer was narrowed by."""
    done = CliRunner().invoke(
        queries.cli.queries, [arguments[0], "--db", str(database), "--format", "csv", "--set", arguments[1]]
    )
    assert done.exit_code == 0
    assert done.stdout == ",".join(queries.find(arguments[0]).columns) + "\n"
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(line)


def test_chats_in_which_nobody_has_a_name_have_no_handoffs(tmp_path: Path) -> None:
    """As those of a model with its user; a line on stderr says so."""
    chat = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    (tmp_path / "chat.json").write_text(json.dumps(chat), encoding="utf-8")
    traces = ingest(tmp_path / "chat.json", tmp_path / "traces")
    done = CliRunner().invoke(queries.cli.queries, ["agent_handoffs", "--db", str(traces)])
    assert done.exit_code == 0
    assert "; no message has the name of an agent" in done.stderr


@pytest.mark.slow
def test_defaults_are_shown_as_they_are_typed(database: Path) -> None:
    """The help shows defaults in words that `--set` takes: `latest`, `completed`, or nothing at all."""
    arguments = ("--db", database, "--format", "json", "--set")
    for name, shown, typed in (
        ("run_timeline", "run_id VARCHAR = latest the run; the latest where none is given", "run_id=latest"),
        ("run_timeline", "run_id VARCHAR = latest", "run_id="),
        ("tool_chains", "run_id VARCHAR = (empty) one run; all runs where empty", "run_id="),
        ("code_executions", "status VARCHAR = completed one of: completed, failed, pending, all", "status=completed"),
    ):
        explained = answer(name, "--help").split("Columns:")[0]
        assert shown in " ".join(explained.split())
        assert "NULL" not in explained
        said, by_default = command(name, *arguments, typed), command(name, *arguments[:-1])
        assert (said.returncode, said.stdout, said.stderr) == (0, by_default.stdout, by_default.stderr)


def test_which_run_is_the_latest_is_told(database: Path) -> None:
    """No column says which run it is, so a line on stderr does; where a run is named, nothing has to."""
    con = queries.connect(database)
    ((latest,),) = con.execute("select run_id from runs order by started_at desc, run_id desc limit 1").fetchall()
    for name in ("run_timeline", "call_chain", "stage_timeline", "action_trace", "llm_interactions"):
        for settings in ([], ["--set", "run_id=latest"]):
            done = CliRunner().invoke(queries.cli.queries, [name, "--db", str(database), *settings])
            assert done.stderr.splitlines()[0] == f"{name}: the latest run is {latest}"
        named = CliRunner().invoke(queries.cli.queries, [name, "--db", str(database), "--set", "run_id=plot-0"])
        assert "latest" not in named.stderr
    done = CliRunner().invoke(queries.cli.queries, ["run_timeline", "--db", str(database), "--set", "run_id=ALL"])
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: run_timeline is about one run: run_id must be the id of one, or latest, not all\n",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a command line is text")
def test_bytes_that_are_no_text(database: Path) -> None:
    """A run id that is no UTF-8 ends with exit code 2 and one line."""
    done = command("tool_chains", "--db", database, "--set", "run_id=\udcff")
    assert done.returncode == 2
    assert done.stderr == "Error: tool_chains: run_id is no text in UTF-8: '\\udcff'\n"


def test_a_damaged_database_is_one_line(database: Path, tmp_path: Path) -> None:
    """A file of which a part was overwritten ends with exit code 2 and one line, not with a traceback."""
    damaged = tmp_path / "traces.duckdb"
    content = bytearray(database.read_bytes())
    content[len(content) // 4 :] = b"\x00" * (len(content) - len(content) // 4)
    damaged.write_bytes(content)
    done = command("run_timeline", "--db", tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")


def test_a_reader_that_stops_early(database: Path) -> None:
    """A pipe that is closed after the first line is no error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "queries", "run_timeline", "--db", database, "--format", "json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
    process.stderr.close()


def test_output_is_utf_8_in_any_locale(tmp_path: Path) -> None:
    """Text outside the locale's alphabet is printed as UTF-8."""
    builder = Builder()
    run = builder.run("r")
    run.turn("工程师")
    run.turn("b")
    done = command(
        "agent_handoffs", "--db", builder.write(tmp_path / "traces.duckdb"), LC_ALL="C", PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0
    assert "工程师" in done.stdout


@pytest.mark.few
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
@pytest.mark.parametrize(
    "arguments",
    [["run_overview"], [], ["--json"], ["show", "run_overview"], ["--help"], ["show", "--help"], ["--version"]],
)
@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_output_that_can_not_be_written(arguments: list[str], output: str, sample_traces: Path) -> None:
    """One line says so, with the exit code for what can't be worked with."""
    database = ["--db", str(sample_traces)] if arguments == ["run_overview"] else []
    command = shlex.join([sys.executable, "-m", "queries", *arguments, *database])
    done = subprocess.run(["sh", "-c", f"{command} {output}"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("Error: ")
    assert "standard output" in done.stderr
