"""Builds a database row by row, in the form that `ingest` gives its rows, for tests that need counts known by hand."""

import datetime
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingest.derived import derive
from ingest.runrows import RunRows
from ingest.schema import TABLES

VIEWS = Path(__file__).parents[2] / "ingest" / "views.sql"
START = datetime.datetime(2026, 3, 1, 12, 0, 0)


class Builder:
    """Collects rows; `write` puts them into a DuckDB file as `ingest` does."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}

    def run(self, run_id: str, status: str = "completed", **columns: Any) -> "RunBuilder":
        """A run that is added with its first row; `columns` go into `runs`."""
        row = {"run_id": run_id, "status": status, "started_at": START, "source_format": "journal", **columns}
        self.rows["runs"].append(row)
        return RunBuilder(self, run_id)

    def write(self, path: Path, messages: bool = True) -> Path:
        """The path of the database, which any DuckDB can open. Each turn has its message, if there are any."""
        con = duckdb.connect()
        name = str(path).replace("'", "''")
        con.execute(f"attach '{name}' as out (storage_version 'v1.2.0')")
        con.execute("use out")
        con.execute("create schema ingest")
        if messages and not self.rows["messages"]:
            self.rows["messages"] = list(self._messages())
        for table in TABLES.values():
            con.execute(table.ddl)
            cells = [{name: _cell(value) for name, value in row.items()} for row in self.rows[table.name]]
            rows = pa.Table.from_pylist(cells, schema=table.arrow)
            con.register("rows", rows)
            con.execute(f"insert into {table.stored} select * from rows")
            con.unregister("rows")
        con.execute(VIEWS.read_text(encoding="utf-8"))
        runs = [(run["run_id"], 1) for run in self.rows["runs"]]
        for table in TABLES.values():
            if table.derived:
                derive(con, table, runs)
        con.execute("use memory")
        con.execute("detach out")
        con.close()
        return path

    def _messages(self) -> Iterator[dict[str, Any]]:
        """What was said in each turn: a turn's words come after all that happened in it."""
        events = {row["id"]: row for row in self.rows["execution_events"]}
        turns = [row for row in events.values() if row["event_type"] == "agent_call"]
        last = {row["id"]: row["execution_order"] for row in turns}
        for row in turns:
            outer, passed = events.get(row.get("parent_event_id") or ""), {row["id"]}
            while outer is not None and outer["id"] not in passed:
                passed.add(outer["id"])
                if outer["id"] in last:
                    last[outer["id"]] = max(last[outer["id"]], row["execution_order"])
                outer = events.get(outer.get("parent_event_id") or "")
        orders: Counter[str] = Counter()
        for row in sorted(turns, key=lambda row: (last[row["id"]], -row["depth"])):
            outputs = row["outputs"] if isinstance(row["outputs"], dict) else {}
            yield {
                "run_id": row["run_id"],
                "event_id": row["id"],
                "message_order": orders[row["run_id"]],
                "sender": row["agent_name"],
                "content": outputs.get("full_content"),
                "timestamp": row["completed_at"],
                "source": "event",
            }
            orders[row["run_id"]] += 1


class RunBuilder:
    """Adds events to one run; each comes a second after the one before."""

    def __init__(self, builder: Builder, run_id: str) -> None:
        self.builder = builder
        self.run_id = run_id
        self.ids = RunRows(run_id)
        self.order = 0
        self.turn_id: str | None = None
        self.speaker: str | None = None
        self.node_id: str | None = None

    def event(self, event_type: str, agent: str | None, subtype: str, **columns: Any) -> str:
        """Adds an execution event and returns its id."""
        event_id = self.ids.id(event_type, str(self.order))
        time = START + datetime.timedelta(seconds=self.order)
        row = {
            "id": event_id,
            "run_id": self.run_id,
            "node_id": self.node_id,
            "depth": 0 if columns.get("parent_event_id") is None else 1,
            "event_type": event_type,
            "event_subtype": subtype,
            "execution_order": self.order,
            "agent_name": agent,
            "status": "completed",
            "timestamp": time,
            "completed_at": time,
            "inputs": {},
            "outputs": {},
            "meta": {},
            **columns,
        }
        self.order += 1
        self.builder.rows["execution_events"].append(row)
        return event_id

    def turn(self, agent: str, content: str = "hello", has_tool_calls: bool = False, **columns: Any) -> str:
        """A message that an agent says."""
        self.turn_id = self.event(
            "agent_call",
            agent,
            "message",
            inputs={"role": "assistant", "message": content[:500], "sender": self.speaker, "recipient": None},
            outputs={"full_content": content},
            meta={
                "has_code": "```" in content,
                "has_tool_calls": has_tool_calls,
                "file_references": [],
                "content_length": len(content),
                **columns.pop("meta", {}),
            },
            **columns,
        )
        self.speaker = agent
        return self.turn_id

    def code(
        self,
        agent: str,
        code: str,
        output: str = "",
        exit_code: int = 0,
        writes: tuple[str, ...] = (),
        reads: tuple[str, ...] = (),
        language: str = "python",
        fixes: str | None = None,
        **columns: Any,
    ) -> str:
        """Code that was executed. `fixes`: the event of what failed and is like it."""
        failed = exit_code != 0
        code_hash = hashlib.sha256(code.rstrip().encode()).hexdigest()[:16]
        error = output.strip().splitlines()[-1] if failed and output.strip() else None
        error_type = match[0] if error and (match := re.match(r"\w+(Error|Exception)", error)) else None
        status = "failed" if failed else "completed"
        event_id = self.event(
            "code_exec",
            agent,
            "executed",
            parent_event_id=self.turn_id,
            status=status,
            error_message=error,
            inputs={"language": language, "code": code, "code_hash": code_hash, "context": ""},
            outputs={"result": output, "result_preview": output[:500], "exit_code": exit_code},
            meta={
                "language": language,
                "files_written": list(writes),
                "files_read": list(reads),
                "imports": sorted(set(re.findall(r"^import (\w+)", code, re.MULTILINE))),
                "code_length": len(code),
                "has_error": failed,
                "exit_code": exit_code,
                "executor": "executor",
                "error_type": error_type,
            }
            | ({"fixes": [{"id": fixes, "alike": True, "similarity": 0.9, "diff": "+plot()"}]} if fixes else {}),
            **columns,
        )
        self.builder.rows["code_execs"].append(
            {
                "run_id": self.run_id,
                "event_id": event_id,
                "language": language,
                "code": code,
                "code_hash": code_hash,
                "exit_code": exit_code,
                "output": output,
                "agent_name": agent,
                "executor": "executor",
                "status": status,
            }
        )
        for path in writes:
            self.file(agent, path, "content of " + path, code, event_id)
        return event_id

    def file(self, agent: str, path: str, content: str, code: str, parent: str) -> str:
        """A file that code wrote."""
        kind = Path(path).suffix
        event_id = self.event(
            "file_gen",
            agent,
            "created",
            parent_event_id=parent,
            depth=2,
            inputs={"code_snippet": code[:500], "generation_context": f"Generated by {agent} during python execution"},
            outputs={
                "file_path": path,
                "file_content": content,
                "file_size": len(content),
                "file_extension": kind,
            },
            meta={"file_path": path, "source": "code_execution", "has_content": True, "file_type": kind},
        )
        self.builder.rows["files"].append(
            {
                "id": self.ids.id("file", event_id),
                "run_id": self.run_id,
                "event_id": event_id,
                "file_path": path,
                "file_name": Path(path).name,
                "file_type": kind,
                "file_size": len(content),
                "file_content": content,
                "source": "code_execution",
                "operation": "write",
            }
        )
        return event_id

    def tool(
        self,
        agent: str,
        name: str,
        args: dict[str, Any] | None = None,
        status: str = "completed",
        requested_in: str | None = None,
        **columns: Any,
    ) -> str:
        """A tool call, which that turn asked for."""
        args = args or {}
        failed = status == "failed"
        result = "ValueError: no such thing" if failed else "done"
        event_id = self.event(
            "tool_call",
            agent,
            "invoked",
            parent_event_id=self.turn_id,
            status=status,
            error_message=result if failed else None,
            inputs={"tool": name, "args": args, "args_keys": sorted(args), "call_id": f"call_{self.order}"},
            outputs={"result": result, "result_preview": result, "files_generated": []},
            meta={
                "tool_name": name,
                "has_files": False,
                "file_count": 0,
                "result_length": len(result),
                "executor": agent,
                "error_type": "ValueError" if failed else None,
                "requested_in": requested_in,
                "args_hash": str(sorted(args.items())),
            },
            **columns,
        )
        self.builder.rows["tool_calls"].append(
            {
                "run_id": self.run_id,
                "event_id": event_id,
                "call_id": f"call_{self.order}",
                "tool_name": name,
                "agent_name": agent,
                "arguments": args,
                "result": result,
                "status": status,
            }
        )
        return event_id

    def llm(
        self,
        agent: str,
        content: str | None = "hello",
        tokens: tuple[int, int] = (10, 5),
        cost: float = 0.01,
        duration_ms: float = 100.0,
        model: str = "gpt-test",
        in_turn: bool = True,
        tool_calls: list[str] | None = None,
        is_open: bool = False,
        **columns: Any,
    ) -> str:
        """A call of a language model; no content means that it failed. `is_open`: its chat is not over."""
        failed = content is None
        status = "failed" if failed else "completed"
        error = "error_code:500" if failed else None
        event_id = self.event(
            "llm_call",
            agent,
            "call" if in_turn else "single",
            parent_event_id=self.turn_id if in_turn else None,
            status=status,
            duration_ms=duration_ms,
            error_message=error,
            inputs={"model": model, "message_count": 1},
            outputs={
                "content": content,
                "tool_calls": [{"function": {"name": name, "arguments": "{}"}} for name in tool_calls or []],
            },
            meta={
                "model": model,
                "cost": cost,
                "cached": False,
                "total_tokens": sum(tokens),
                **({"is_open": True} if is_open else {}),
            },
        )
        self.builder.rows["llm_calls"].append(
            {
                "run_id": self.run_id,
                "event_id": event_id,
                "agent_name": agent,
                "model": model,
                "request": {"model": model, "messages": [{"role": "user", "content": "do it"}]},
                "response": None
                if failed
                else {
                    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
                    "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
                },
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
                "cost": cost,
                "cached": False,
                "started_at": START,
                "duration_ms": duration_ms,
                "status": status,
                "error_message": error,
                **columns,
            }
        )
        return event_id

    def handoff(self, origin: str, target: str, selection: str = "auto") -> str:
        """A choice of the next speaker."""
        return self.event(
            "handoff",
            origin,
            "transfer",
            inputs={"from_agent": origin, "to_agent": target},
            meta={"reason": "group_chat_selection", "selection": selection},
        )

    def action(self, kind: str, name: str, details: dict[str, Any] | None = None, **columns: Any) -> str:
        """An action that the user marked."""
        return self.event(
            kind,
            columns.pop("agent", None),
            "action",
            inputs=details or {},
            meta={
                "action": True,
                "action_name": name,
                "after": self.turn_id,
                **({"tool_name": name} if kind == "tool_call" else {}),
            },
            **columns,
        )


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, (dict, list)) else value
