"""The tables, in one place: names, types and meaning of every column.

The Arrow schemas, the DuckDB tables, the Parquet files and the README's table reference are all made from `TABLES`.
Column names are those of the systems that these tables replace, so that their SQL runs unchanged.
"""

from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 28
"""Goes up when a table, a view or what is read in a source changes; a `traces` folder of another version is rebuilt."""

ARROW_TYPES = {
    "VARCHAR": "string",
    "UUID": "string",
    "BOOLEAN": "bool",
    "INTEGER": "int32",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "TIMESTAMP": "timestamp[us]",
    "BLOB": "binary",
}
"""DuckDB type to the Arrow type that carries it, JSON aside, which has a type of its own. UUID travels as text and is
cast on arrival."""


PACKED = frozenset("outputs content response message result code output file_content record meta".split())
"""Columns of long texts that few queries look into, and `meta`, whose texts repeat its names. The database packs them
with zstd: the file is half as large, and written sooner, than with what DuckDB chooses for them, and a look into them
takes a third longer, into `meta` no longer."""

LONG = frozenset(
    "inputs outputs meta error_message content tool_calls request response message arguments result code output "
    "file_content record bytes sender recipient agent agent_name step_id node_id executor tool_name call_id language "
    "model".split()
)
"""Columns whose values may be long: what is counted as text."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    doc: str

    @property
    def ddl(self) -> str:
        """The column as the statement that creates its table has it."""
        packed = " USING COMPRESSION zstd" if self.name in PACKED else ""
        return f'"{self.name}" {self.type}{packed}'


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        home: the schema in the database that holds it. What is not in `main` is seen there through a view of its name.
        derived: its rows are made from those of other tables by `derived/<name>.sql`.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    home: str = "main"
    derived: bool = False

    @property
    def stored(self) -> str:
        """The name of the table as SQL writes it."""
        return f'{self.home}."{self.name}"'

    @cached_property
    def long_values(self) -> "itemgetter[Any]":
        """Gives those values of a row of this table that may be long."""
        names = LONG if self.name != "runs" else ()  # what is counted of a run has the names of long columns
        places = [place for place, column in enumerate(self.columns) if column.name in names]
        first = places[0] if places else 0
        return itemgetter(*places) if len(places) > 1 else itemgetter(slice(first, first + len(places)))

    @property
    def arrow(self) -> "pa.Schema":
        """The Arrow schema that rows of this table travel in."""
        import pyarrow as pa  # here, because who only reads the tables needs no Arrow

        return pa.schema([(c.name, pa.json_() if c.type == "JSON" else ARROW_TYPES[c.type]) for c in self.columns])

    @property
    def ddl(self) -> str:
        """The DuckDB statement that creates the table."""
        columns = ", ".join(column.ddl for column in self.columns)
        return f"CREATE TABLE {self.stored} ({columns})"


def _columns(text: str) -> tuple[Column, ...]:
    """Columns from lines of `name TYPE meaning`."""
    rows = (line.split(None, 2) for line in text.strip().splitlines())
    return tuple(Column(name, kind, doc) for name, kind, doc in rows)


_ALL = (
    Table(
        "runs",
        "A run.",
        _columns("""
            run_id VARCHAR name of the run's folder, or the transcript's path below the folder given
            session_id VARCHAR groups runs that belong together
            task VARCHAR what the run was for
            mode VARCHAR workflow mode: one-shot, planning-control, idea-generation, ocr ...
            tags JSON the user's labels
            status VARCHAR completed, failed, running, interrupted
            started_at TIMESTAMP UTC; NULL for a transcript, which carries no time
            ended_at TIMESTAMP UTC; of the last record where the run was cut off
            duration_ms DOUBLE from start to end
            messages BIGINT rows in messages, without what was said before the run began
            llm_calls BIGINT rows in llm_calls
            tool_calls BIGINT rows in tool_calls
            code_execs BIGINT rows in code_execs
            files BIGINT rows in files that were written
            errors BIGINT failures, each once: without the files of failed code and exceptions that are told again
            prompt_tokens BIGINT sum over llm_calls, cached ones apart
            completion_tokens BIGINT sum over llm_calls, cached ones apart
            total_tokens BIGINT sum over llm_calls, cached ones apart
            cost DOUBLE US dollars, as AG2 computes it
            ag2_version VARCHAR version of AG2
            python_version VARCHAR version of Python
            host VARCHAR host name
            cwd VARCHAR working folder
            git_commit VARCHAR commit of the working folder
            source_path VARCHAR the file that it was read from
            source_format VARCHAR journal, transcript ...
            lost_events BIGINT records that the recorder declared lost, and numbers missing in seq
            ingested_at TIMESTAMP when this row was made
            meta JSON what else is known of it: summary, cost, usage, context_variables, chats, agents, error ...
        """),
    ),
    Table(
        "execution_events",
        "What happened, in order: a row per message or turn, code execution, tool call, file written, handoff, "
        "LLM call, error or marked action. Children point at their turn.",
        _columns("""
            id UUID made from the run and the record, so it stays the same when a run is read again
            run_id VARCHAR the run
            session_id VARCHAR the run's session
            node_id VARCHAR workflow node marked by the user
            step_id VARCHAR step marked by the user
            parent_event_id UUID the turn or action that this happened in
            depth INTEGER 0 for a turn, 1 for what happened in it, a nested chat's turns as well, and so on
            event_type VARCHAR agent_call, tool_call, code_exec, file_gen, handoff, llm_call, decision, error, success
            event_subtype VARCHAR message, executed, invoked, call, single (in no turn), action ...; an error's type
            execution_order BIGINT 0, 1, 2 ... within the run; a turn comes before what happened in it
            agent_name VARCHAR the speaker, the author of the code, the caller of the tool
            status VARCHAR completed, failed, pending
            timestamp TIMESTAMP UTC, when it began; NULL in a transcript
            completed_at TIMESTAMP UTC, when it was over
            duration_ms DOUBLE how long it took, where that is known
            inputs JSON what went in, fields by type as below
            outputs JSON what came out
            error_message VARCHAR why it failed
            meta JSON facts about it: imports, files, language, has_error ...
            created_at TIMESTAMP same as timestamp
            updated_at TIMESTAMP same as completed_at
            chat INTEGER its chat, 0, 1, 2 ... within the run; nested chats and those at once are chats too
        """),
    ),
    Table(
        "messages",
        "A message, once, whether the journal, a saved transcript or both had it.",
        _columns("""
            run_id VARCHAR the run
            event_id UUID its agent_call in execution_events
            message_order BIGINT 0, 1, 2 ... within the run
            sender VARCHAR who said it
            recipient VARCHAR who it was handed to; NULL in a transcript
            role VARCHAR user, assistant, tool, function, system
            content VARCHAR the text; JSON where the content is a list
            tool_calls JSON calls that the message asks for
            step_id VARCHAR step marked by the user
            node_id VARCHAR workflow node marked by the user
            tokens BIGINT completion tokens of the LLM call that made it
            timestamp TIMESTAMP UTC; NULL in a transcript
            source VARCHAR which channels had it: event, logger, transcript, joined by +
            chat INTEGER the chat that it belongs to, as in execution_events
            internal BOOLEAN AG2's own (who speaks next, what a group is told), or said before the run began
        """),
    ),
    Table(
        "llm_calls",
        "A call of a language model. `request` is whole where SQL reads it; in the Parquet files, which have two more "
        "columns, its messages stand in `llm_messages`.",
        _columns("""
            run_id VARCHAR the run
            event_id UUID its llm_call in execution_events
            agent_name VARCHAR who called
            model VARCHAR model name
            request JSON the whole request, rebuilt
            response JSON the whole response
            prompt_tokens BIGINT as the server counted them
            completion_tokens BIGINT as the server counted them
            total_tokens BIGINT as the server counted them
            cost DOUBLE US dollars, as AG2 computes it
            cached BOOLEAN AG2's cache answered
            started_at TIMESTAMP UTC
            ended_at TIMESTAMP UTC
            duration_ms DOUBLE from request to response
            status VARCHAR completed, failed, pending (the run ended before it)
            error_message VARCHAR type and message of the exception, or what AG2 logged in place of a response
            response_valid BOOLEAN no check found an error; NULL for a response of unknown shape
            response_quality_score DOUBLE 0 to 1, the share of checks passed; an error ends the checks
            response_validation_errors JSON list of the error that a check found, by name
            response_warnings JSON list of the checks that warn, by name
            response_metrics JSON words, characters, json_valid, has_code, tool_calls, finish_reason
            chain BIGINT (Parquet only) the chain of messages that the request's stand in; NULL where it has none
            call_number BIGINT (Parquet only) its number among the run's calls; calls that share messages are neighbours
        """),
        home="ingest",
    ),
    Table(
        "llm_messages",
        "A message of the requests, once, whichever calls repeat it: those of its chain from first_call to last_call.",
        _columns("""
            run_id VARCHAR the run
            chain BIGINT conversations that begin alike are one chain
            position BIGINT its place in the request, from 0
            first_call BIGINT call_number of the first call that it belongs to
            last_call BIGINT call_number of the last
            message JSON the message
        """),
    ),
    Table(
        "tool_calls",
        "A tool or function call, joined with its execution and its result. It failed where the tool raised, as AG2 "
        "tells; where nobody does, its answer begins with `Error: ` (AG2's), `Traceback (most recent call last):`, an "
        "exception (`KeyError: `), `Error executing tool` (MCP's) or `exitcode: 1 (execution failed)`, or is AG2's for "
        "a call that a human refused, `USER INTERRUPTED`. An error that it returns as an ordinary value is none.",
        _columns("""
            run_id VARCHAR the run
            event_id UUID its tool_call in execution_events
            call_id VARCHAR id that the model gave the call
            tool_name VARCHAR the tool; NULL for an answer to a call that the source does not have
            agent_name VARCHAR who asked for it
            executor VARCHAR who ran it
            arguments JSON as asked for
            result VARCHAR what it returned; JSON where that is no text
            status VARCHAR completed, failed, pending (no result in the run)
            error_message VARCHAR why it failed
            started_at TIMESTAMP UTC
            duration_ms DOUBLE how long it ran
        """),
    ),
    Table(
        "code_execs",
        "A block of code that was executed. The blocks of one execution share event_id, exit code and output.",
        _columns("""
            run_id VARCHAR the run
            event_id UUID its code_exec in execution_events
            language VARCHAR as written on the block, or as AG2 inferred it
            code VARCHAR the code; NULL where a gigabyte of the run's rows repeats others, and this would do so, too
            code_hash VARCHAR first 16 hex digits of its SHA-256 without blank lines around it and blanks at line ends
            code_normal_hash VARCHAR the same for code that differs only in names of its own, texts, comments, layout
            exit_code INTEGER exit code of the execution
            output VARCHAR what it printed; NULL as code is, but in the first row of an execution
            agent_name VARCHAR who wrote it
            executor VARCHAR who ran it
            status VARCHAR completed, failed, pending (nobody told how it ended)
            started_at TIMESTAMP UTC
            duration_ms DOUBLE how long the execution took
        """),
    ),
    Table(
        "files",
        "A file that a run wrote, read or mentioned; one row per file and operation.",
        _columns("""
            id UUID made from the run, the path and the operation
            run_id VARCHAR the run
            node_id VARCHAR workflow node marked by the user
            event_id UUID of a written file its file_gen event, otherwise the event that reads or mentions it
            file_path VARCHAR as the run spelt it
            file_name VARCHAR last part of the path
            file_type VARCHAR extension with its dot, or empty
            file_size BIGINT bytes, where known
            file_content VARCHAR text content, where the recorder saved it
            source VARCHAR code_execution, tool_call, message, recorder
            created_at TIMESTAMP UTC
            operation VARCHAR write, read, mention
            method VARCHAR which extractor found it
            sha256 VARCHAR of the content, where known
        """),
    ),
    Table(
        "executions",
        "An execution of an agent: a turn with its LLM calls, also one that ended in no message; each exception of an "
        "agent of which no turn is known, and each LLM call that led to neither. Code and tools count for the turn of "
        "the agent that asked for them; who ran them and raised failed too. Made from the tables above.",
        _columns("""
            run_id VARCHAR the run
            id UUID its agent_call in execution_events, or its error or llm_call where is_turn is false
            session_id VARCHAR the run's session
            agent_name VARCHAR the agent
            execution_order BIGINT as in execution_events
            depth INTEGER 0 for a turn, more for one in a nested chat
            is_turn BOOLEAN false for an exception, a turn without a message, and an LLM call that led to no turn
            is_reply BOOLEAN whether it said anything; false also where it opened a nested chat of its own
            status VARCHAR SUCCESS, FAILED, TIMEOUT, RUNNING (a tool or a nested chat), LLM_RESPONSE (was cut off)
            current_stage VARCHAR how far it came: LLM_CALL, LLM_PARSE, POST_PROCESS, COMPLETE
            failed_stage VARCHAR the stage that failed: LLM_CALL, POST_PROCESS (tools and code), COMPLETE
            error_type VARCHAR what was raised, where that is known
            error_order BIGINT execution_order of the event whose error_message tells why it failed
            failure_order BIGINT execution_order of the code_exec, tool_call or error that tells why
            answered_id UUID the turn that it answers; of the opening of a nested chat the event that it was opened in
            call_id UUID its last LLM call
            llm_calls BIGINT its LLM calls, those that failed and cached ones as well
            llm_ms DOUBLE how long its LLM calls took, those that failed as well
            total_tokens BIGINT sum over its LLM calls, cached ones apart
            cost DOUBLE US dollars, sum over the same
            started_at TIMESTAMP UTC, when it began; NULL in a transcript
            completed_at TIMESTAMP UTC, when it was over
            duration_ms DOUBLE how long it took, where that is known
            created_at TIMESTAMP same as started_at, or when the run began
        """),
        derived=True,
    ),
    Table(
        "selections",
        "A choice of the next speaker of a group chat, also one that keeps the speaker where AG2's events tell of it. "
        "Made from the tables above.",
        _columns("""
            run_id VARCHAR the run
            event_id UUID its handoff in execution_events; where it keeps the speaker that agent's turn, or its LLM call
            execution_order BIGINT as in execution_events
            chat BIGINT as in execution_events
            group_name VARCHAR the group's manager, where that is known
            group_places JSON its place in the list runs.meta.agents, from 0; those of up to ten groups that may be it
            chosen VARCHAR the agent that was chosen
            selection VARCHAR auto, round_robin, random, manual ...; fallback where the model named nobody of use
            candidates JSON list of the agents that the model was asked to choose from; NULL where it was not asked
        """),
        derived=True,
    ),
    Table(
        "findings",
        "What speaks against a message or step of a run: signs that it went wrong there, which the query `suspects` "
        "ranks. Made from the tables above.",
        _columns("""
            run_id VARCHAR the run
            event_id UUID the turn in execution_events, or the failure
            execution_order BIGINT as in execution_events
            agent_name VARCHAR who wrote the message, or whose LLM call or step failed
            message_order BIGINT as in messages; NULL for a failure that no message tells of
            weight INTEGER of the weightiest sign, 1 to 4, 1 weighs most; NULL for a call that still waits
            signs JSON list of all signs, the weightiest first
            failed BIGINT code executions, tool calls and LLM calls of this message that failed
            error_order BIGINT execution_order of the event whose error_message tells of the first of them
            is_at_end BOOLEAN nothing came after it, or its call still waits
        """),
        derived=True,
    ),
    Table(
        "journal",
        "Every record, raw, in order.",
        _columns("""
            run_id VARCHAR the run
            seq BIGINT its number within the run
            ts TIMESTAMP UTC
            kind VARCHAR kind of the record
            agent VARCHAR the agent that acts
            step_id VARCHAR step marked by the user
            record JSON the whole record
            source_path VARCHAR the file it stands in
            line BIGINT its line there, from 1; in a JSON list, its place
        """),
    ),
    Table(
        "quarantine",
        "Every line that could not be read.",
        _columns("""
            run_id VARCHAR the run, or NULL where the file is no run
            source_path VARCHAR the file
            line BIGINT its line, from 1
            byte_offset BIGINT where the line begins
            error VARCHAR what is wrong with it
            bytes BLOB the line itself
        """),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _ALL}
