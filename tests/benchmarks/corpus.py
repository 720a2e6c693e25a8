"""Journals of any number of events, as the recorder writes them: an engineer, a tool and code that fails now and then.

Texts differ from run to run and from round to round, so that nothing is found by having been seen before.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]

START = 1_768_000_000_000_000_000
DAY = 86_400_000_000_000
RUNS_OF_A_DAY = 50
MILLISECOND = 1_000_000
RUN_EVENTS = 1000
WORDS = (
    "station temperature of the day measured hourly and written to a table with mean range fit amplitude phase "
    "residual model parameters report figure axis wave simulated noise seed value result check step plan error column "
    "file load"
).split()


class Journal:
    """The records of one run.

    Args:
        number: makes the run's id, its day and its texts.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.run_id = f"20260110T000000Z-bench-{number:07}"
        self.records: list[bytes] = []
        self._chance = random.Random(number)
        self._time = START + number // RUNS_OF_A_DAY * DAY + number % RUNS_OF_A_DAY * 60_000 * MILLISECOND
        self._base: int | None = None
        self._known = 0
        self._new: list[Record] = [{"role": "system", "content": "You are engineer. " + self._prose(60)}]

    def _prose(self, words: int) -> str:
        return " ".join(self._chance.choices(WORDS, k=words))

    def _uuid(self, what: str) -> str:
        digest = hashlib.md5(f"{self.number} {len(self.records)} {what}".encode(), usedforsecurity=False).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"

    def add(self, kind: str, **fields: Any) -> int:
        """Add a record, some milliseconds after the one before. Gives its number."""
        seq = len(self.records)
        self._time += self._chance.randint(1, 900) * MILLISECOND // 100
        record = {"v": 1, "seq": seq, "ts": self._time, "kind": kind, **fields}
        self.records.append(json.dumps(record, separators=(",", ":")).encode())
        return seq

    def event(self, kind: str, **content: Any) -> None:
        """Add an event of AG2."""
        self.add("event", event={"type": kind, "content": {"uuid": self._uuid(kind), **content}})

    def said(self, sender: str, recipient: str, content: str) -> None:
        """Add a message of text, of which its event says all."""
        self.event("text", content=content, sender=sender, recipient=recipient)
        role = "assistant" if sender == "engineer" else "user"
        self._new.append({"role": role, "content": content, "name": sender})

    def message(self, sender: str, recipient: str, message: Record) -> None:
        """Add a message of more than text, as AG2's logger tells of it; its event follows."""
        self.add("message", agent=sender, sender=sender, recipient=recipient, message=message, silent=False)

    def asked(self, message: Record) -> None:
        """Add a call of the model, with what is new in its request, and its answer."""
        tokens = (100 + 30 * self._known, self._chance.randint(20, 300))
        seq = self.add(
            "llm_call",
            agent="engineer",
            wrapper=0,
            model="gpt-scripted",
            status="ok",
            cost=sum(tokens) * 2.5e-6,
            cached=False,
            prompt_tokens=tokens[0],
            completion_tokens=tokens[1],
            total_tokens=sum(tokens),
            invocation=self._uuid("invocation"),
            started=self._time - 700 * MILLISECOND,
            ended=self._time,
            request={"messages": self._new}
            if self._base is not None
            else {"model": "gpt-scripted", "stream": False, "messages": self._new},
            base=self._base,
            base_messages=self._known,
            same=[] if self._base is None else ["model", "stream"],
            response={
                "id": f"chatcmpl-{len(self.records)}",
                "choices": [{"finish_reason": "stop", "index": 0, "logprobs": None, "message": message}],
                "created": self._time // 10**9,
                "model": "gpt-scripted",
                "object": "chat.completion",
                "usage": {"completion_tokens": tokens[1], "prompt_tokens": tokens[0], "total_tokens": sum(tokens)},
            },
        )
        self._base, self._known, self._new = seq, self._known + len(self._new), []

    def code_round(self, number: int) -> None:
        """The engineer writes code, which is run and fails one time in seven: 5 records."""
        name = f"table_{self._chance.randint(0, 99)}_{number}.csv"
        code = (
            "import numpy as np\nimport pandas as pd\n\n"
            f"rng = np.random.default_rng({self._chance.randint(0, 10**6)})\n"
            f"data = pd.DataFrame({{'hour': range(24), 'value': rng.normal({number}, 2, 24)}})\n"
            f"# {self._prose(12)}\ndata.to_csv('{name}', index=False)\n"
            f"with open('summary_{number}.txt', 'w') as file:\n    file.write(str(data.describe()))\n"
            "print(data.head())\n"
        )
        text = f"{self._prose(50)}.\n\n```python\n{code}```\n\nThe table goes to `{name}`. {self._prose(20)}."
        self.asked({"role": "assistant", "content": text})
        self.said("engineer", "executor", text)
        self.event("generate_code_execution_reply", code_blocks=["python"], sender="engineer", recipient="executor")
        if failed := number % 7 == 6:
            output = f'Traceback (most recent call last):\n  File "/w/x.py", line 7, in <module>\n{self._prose(30)}\n'
            output += f"ValueError: {name}"
        else:
            rows = "\n".join(f"{hour} {self._chance.random():.6f}" for hour in range(24))
            output = f"hour value\n{rows}\n"
        self.add(
            "code_exec",
            agent="executor",
            blocks=[{"language": "python", "code": code}],
            exit_code=int(failed),
            output=output,
            executor="LocalCommandLineCodeExecutor",
            status="ok",
            started=self._time - 300 * MILLISECOND,
            ended=self._time,
        )
        outcome = "1 (execution failed)" if failed else "0 (execution succeeded)"
        self.said("executor", "engineer", f"exitcode: {outcome}\nCode output: {output}")

    def tool_round(self, number: int) -> None:
        """The engineer calls a tool: 8 records."""
        call_id = f"call_{self.number}_{number}"
        arguments = json.dumps(
            {"station": self._chance.choice(WORDS), "day": number, "path": f"data/day_{number}.json"}
        )
        call = {"id": call_id, "type": "function", "function": {"name": "describe_station", "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        self.asked(message)
        self.message("engineer", "executor", message)
        self.event("tool_call", **message, sender="engineer", recipient="executor")
        about = {"func_name": "describe_station", "call_id": call_id, "arguments": json.loads(arguments)}
        self.event("execute_function", **about, recipient="executor")
        result = json.dumps({"station": number, "mean": self._chance.random(), "notes": self._prose(60)})
        self.add(
            "function_call",
            agent="executor",
            id=f"function-{number}",
            name="describe_station",
            call_id=call_id,
            arguments=json.loads(arguments),
            result=result,
            status="ok",
            started=self._time - 20 * MILLISECOND,
            ended=self._time,
        )
        self.event("executed_function", **about, content=result, recipient="executor", is_exec_success=True)
        response = {"tool_call_id": call_id, "role": "tool", "content": result}
        answer = {"role": "tool", "content": result, "tool_responses": [response]}
        self.message("executor", "engineer", answer)
        self.event("tool_response", **answer, sender="executor", recipient="engineer")
        self._new += [message, response]

    def text_round(self, number: int) -> None:
        """The engineer thinks aloud and is told to go on: 3 records."""
        text = f"{number}. {self._prose(self._chance.randint(40, 300))}, see report_{number}.md."
        self.asked({"role": "assistant", "content": text})
        self.said("engineer", "executor", text)
        self.said("executor", "engineer", "Go on. " + self._prose(20))

    def made(self, events: int) -> bytes:
        """The whole journal, of about so many events."""
        self.add(
            "run_start",
            run_id=self.run_id,
            task=f"Describe station {self.number}: {self._prose(8)}",
            mode="one-shot",
            tags={"team": "bench"},
            session=f"session-{self.number // 10}",
            host="bench",
            pid=1,
            cwd="/w",
            versions={"ag2": "0.14.0", "python": "3.11.7"},
        )
        for name in ("engineer", "executor"):
            self.add("agent", name=name, description=f"You are {name}.", model="gpt-scripted", tools=[])
            self.records[-1] = self.records[-1].replace(b'"description"', b'"class":"ConversableAgent","description"')
        number = 0
        while len(self.records) < events - 8:
            (self.code_round, self.tool_round, self.text_round)[number % 3](number)
            number += 1
        self.add("run_end", status="completed", stats={"events": len(self.records)})
        return b"\n".join(self.records) + b"\n"


def write_corpus(folder: Path, events: int, run_events: int = RUN_EVENTS) -> int:
    """Write runs of about `run_events` events each into `folder`, `events` in all. Gives the bytes written."""
    return sum(write_run(folder, number, run_events) for number in range(max(1, events // run_events)))


def write_run(folder: Path, number: int, events: int = RUN_EVENTS) -> int:
    """Write one run. Gives the bytes written."""
    run = Journal(number)
    (folder / run.run_id).mkdir(parents=True)
    return (folder / run.run_id / "journal.jsonl").write_bytes(run.made(events))


def journals(folder: Path) -> Iterator[Path]:
    """The journals in a corpus."""
    return folder.glob("*/journal.jsonl")
