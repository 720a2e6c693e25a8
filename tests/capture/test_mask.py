"""Secrets do not leave the process, in whatever record they turn up; everything else stays as it is."""

import base64
import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from autogen import ConversableAgent, LLMConfig, OpenAIWrapper, register_function
from autogen.io.base import IOStream
from hypothesis import given, settings
from hypothesis import strategies as st

import capture
from capture.mask import Mask
from capture.secrets import PLAIN_WORD, is_telling, secrets_in
from capture.tokens import MASKED
from sample_runs.scripted_llm import ScriptedLLM, call
from tests.capture.agents import talker, thinker
from tests.capture.recorded import events, journal, of_kind

StartLLM = Callable[..., ScriptedLLM]
TOKENS = [
    "sk-" + "aB3" * 16,
    "sk-ant-api03-" + "x_Y-9" * 10,
    "sk_live_" + "a1" * 12,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1_B" * 10,
    "glpat-" + "a1-B" * 5,
    "AKIA" + "A1B2" * 4,
    "AIza" + "a1-B_" * 7,
    "xoxb-" + "123-abc-" * 3,
    "hf_" + "aB3" * 11,
    "gsk_" + "aB3" * 10,
    "npm_" + "aB3" * 12,
    "pypi-" + "aB3_" * 15,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "Bearer " + "abc.DEF/123" * 3,
]


def files_with(run: capture.Run, secret: str) -> list[str]:
    """Files of a run that have a secret in them, as it is or as JSON writes it."""
    forms = {secret.encode(), json.dumps(secret)[1:-1].encode(), orjson.dumps(secret)[1:-1]}
    found = [path for path in run.path.rglob("*") if path.is_file()]
    assert found
    return [path.name for path in found if any(form in path.read_bytes() for form in forms)]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:8])
@pytest.mark.parametrize("around", ["{}", "key={}.", "line\n{}\nline", '{{"key": "{}"}}', "\\n{}", "({})"])
def test_well_known_tokens_are_masked(token: str, around: str) -> None:
    """Each form is found in a text, after a line end, in JSON in a text, and nothing else of the text changes."""
    text = around.format(token)
    masked = orjson.loads(Mask({}).json(orjson.dumps({"a": text, "b": [{"c": text}]})))
    assert masked == {"a": around.format(MASKED), "b": [{"c": around.format(MASKED)}]}


@pytest.mark.parametrize(
    "text",
    [
        "risk-assessment-of-the-whole-enterprise-system",
        "task-management-and-other-words-that-are-long",
        "a plain sentence about tokens, keys and passwords",
        "sk-short",
        "https://example.org/eyJ",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_token_stays(text: str) -> None:
    """Words that begin like a token are not touched."""
    data = orjson.dumps({"text": text})
    assert Mask({}).json(data) == data


def test_private_keys_are_masked() -> None:
    """A whole key block goes, also where its end is missing."""
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----"
    for text in (f"a {block} b", "a " + block[:50]):
        masked = orjson.loads(Mask({}).json(orjson.dumps(text)))
        assert "MIIE" not in masked
        assert masked.startswith(f"a {MASKED}")


@pytest.mark.parametrize(
    ("name", "telling"),
    [
        ("OPENAI_API_KEY", True),
        ("api-key", True),
        ("apiKey", True),
        ("GITHUB_TOKEN", True),
        ("DB_PASSWORD", True),
        ("DB_PWD", True),
        ("aws_secret_access_key", True),
        ("Authorization", True),
        ("PWD", False),
        ("KEYBOARD", False),
        ("monkey", False),
        ("tokenizer", False),
        ("PATH", False),
        ("SORT_KEY", False),
        ("primary_key", False),
        ("eos_token", False),
        ("GPG_KEY_NAME", False),
        ("SECRET_ACCESS_KEY", True),
    ],
)
def test_telling_names(name: str, telling: bool) -> None:
    """Names are judged by their words, not by parts of words."""
    assert is_telling(name) is telling


def test_secrets_of_a_config_are_found_in_any_form() -> None:
    """Dicts, lists, AG2's own configuration classes and headers give up what they hide; other values are left."""
    config = {
        "config_list": [{"model": "gpt-4o-mini", "api_key": "key-number-one", "base_url": "http://127.0.0.1/v1"}],
        "default_headers": {"Authorization": "Bearer header-token-two"},
        "max_tokens": 1000,
    }
    found = secrets_in(config)
    assert {"key-number-one", "header-token-two"} <= set(found)
    assert not any("gpt" in value or "http" in value for value in found)
    own = LLMConfig({"model": "gpt-4o-mini", "api_key": "key-number-three"})
    assert "key-number-three" in secrets_in(own)


keys = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=8, max_size=40).filter(
    lambda text: (
        len(text.strip()) >= 8 and not PLAIN_WORD.fullmatch(text) and text != MASKED and not os.path.exists(text)
    )
)
"""A path that exists is none: variables with such names lead to keys."""


@given(keys, st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_known_value_is_masked_wherever_it_stands(secret: str, before: str, after: str) -> None:
    """In a text, in JSON in a text, as a field's name and inside lists: the bytes no longer have it."""
    text = f"{before} {secret} {after}"
    value = {"a": text, "b": json.dumps({"c": [text]}), "d": [orjson.dumps(text).decode()], secret: 1, "n": 12345678}
    data = Mask({"MY_API_KEY": secret}).json(orjson.dumps(value))
    read = orjson.loads(data)
    assert read["n"] == 12345678
    assert len(read) == 5
    assert all(secret not in str(part) for part in (read["a"], orjson.loads(read["b"]), orjson.loads(read["d"][0])))
    assert MASKED in read["a"]


@pytest.mark.parametrize("secret", ["12345678", "false", "duration_ns", "run_end_of_the_whole_thing", "null1234"])
def test_a_value_that_looks_like_json_does_not_break_the_record(secret: str) -> None:
    """A password of digits, or one that is a field's name, costs neither numbers nor the record's own fields."""
    mask = Mask({})
    mask.learn([secret])
    record = {"password": False, "duration_ns": 12345678, "messages": [f"it is {secret}"], "x": None}
    read = orjson.loads(mask.json(orjson.dumps(record)))
    assert read.keys() == record.keys()
    assert (read["password"], read["duration_ns"], read["x"]) == (False, 12345678, None)
    assert read["messages"] == [f"it is {MASKED if len(secret) >= 8 else secret}"]


def test_planted_secrets_are_nowhere_in_the_run(scripted_llm: StartLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in messages, tool arguments and results, code, errors, files, transcripts and tags: none is on the disk."""
    environment, config, later = "env-value-0123456789", 'conf"ig\\välue\n42', "env-set-later-98765"
    monkeypatch.setenv("MY_SERVICE_TOKEN", environment)
    monkeypatch.setenv("ODD_PASSWORD", config)
    secrets = [environment, config, later, TOKENS[0], TOKENS[3]]
    told = " and ".join([environment, TOKENS[0], TOKENS[3]])
    llm = scripted_llm([call("leak", text=told + config), call("leak", text="raise"), "Done. TERMINATE"])
    got = []

    def leak(text: str) -> str:
        got.append(text)
        if text == "raise":
            raise ValueError(f"bad key {config}")
        return text

    with contextlib.suppress(RuntimeError), capture.start("runs", console=False, tags={"k": environment}) as run:
        llm_config = llm.config(default_headers={"x-api-key": base64.b64encode(config.encode()).decode()})
        llm_config["config_list"][0]["api_key"] = "the-key-of-the-model"
        asker, user = thinker("asker", llm_config), talker("user")
        register_function(leak, caller=asker, executor=user, description="Leaks.")
        monkeypatch.setenv("LATER_API_KEY", later)
        thinker("other", llm_config)  # a new client: the environment is looked at again
        result = user.initiate_chat(asker, message=f"Take {told} and the-key-of-the-model.", max_turns=3)
        run.save_messages(result)
        run.log("tool_call", "x", where=later, error=ValueError(told))
        Path("out.txt").write_text(f"{told}\n{config}\n{later}")
        run.log("success", "out.txt")
        raise RuntimeError(told)
    assert got[0] == told + config
    for secret in (*secrets, "the-key-of-the-model"):
        assert files_with(run, secret) == []
    file = of_kind(journal(run), "file")[0]
    assert file["size"] == Path("out.txt").stat().st_size
    assert MASKED in (run.path / file["copy"]).read_text()
    assert MASKED in events(journal(run), "text")[0]["content"]
    assert llm.requests[0].messages[-1]["content"].startswith(f"Take {told}")  # the agents' own words are untouched


def test_a_typed_password_is_masked_where_it_turns_up_later() -> None:
    """What a human typed unseen is masked in everything that follows."""

    class Human(IOStream):
        def send(self, message: Any) -> None:
            pass

        def input(self, prompt: str = "", *, password: bool = False) -> str:
            return "open sesame"

    with IOStream.set_default(Human()), capture.start("runs") as run:  # type: ignore[arg-type]
        word = IOStream.get_default().input("Word?", password=True)
        run.log("tool_call", "login", word=word)
    assert files_with(run, "open sesame") == []


def test_masking_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `AG2_CAPTURE_MASK=0` records are untouched."""
    monkeypatch.setenv("AG2_CAPTURE_MASK", "0")
    with capture.start("runs") as run:
        run.log("success", TOKENS[0])
    assert of_kind(journal(run), "action")[0]["action_name"] == TOKENS[0]


def test_without_re2_masking_works_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE2 only makes it faster."""
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    mask = Mask({"MY_SECRET": "pässword\n1"})
    for secret in (*TOKENS, "pässword\n1"):
        assert secret not in orjson.loads(mask.json(orjson.dumps(f"x {secret} y")))
    assert mask.record(b'"a":"plain"') == b'"a":"plain"'


HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def test_what_the_user_hands_over_is_masked_by_its_field_names() -> None:
    """Tags, details and results of a run whose agents were made before it: no value under a telling name is written."""
    secrets = [HEX, "correct-horse-battery", "dXNlcjpwYXNz", "pw-of-the-db", "in-a-text-1", "in-a-list-1", "of-a-model"]
    config = {"config_list": [{"model": "gpt-4o-mini", "api_key": HEX}]}
    with capture.start("runs", tags={"llm": config, "plain": "stays"}) as run:
        run.log("decision", "config", llm_config=config, url="postgres://u:pw@h and postgres://u:pw-of-the-db@h/d")
        run.log("tool_call", "login", password="correct-horse-battery", headers={"Authorization": "Basic dXNlcjpwYXNz"})
        with run.timed("tool_call", "ask") as action:
            action.set_result([{"secrets": ["in-a-list-1"]}, "got {'token': 'in-a-text-1', 'n': 1}"])
        run.log("tool_call", "model", config=LLMConfig({"model": "gpt-4o-mini", "api_key": "of-a-model"}))
        run.log("tool_call", "later", said=f"it was {HEX} or correct-horse-battery")
    for secret in (*secrets, ":pw@"):
        assert files_with(run, secret) == []
    records = journal(run)
    assert records[0]["tags"] == {
        "llm": {"config_list": [{"model": "gpt-4o-mini", "api_key": MASKED}]},
        "plain": "stays",
    }
    actions = of_kind(records, "action")
    assert actions[0]["details"]["url"] == f"postgres://u:{MASKED}@h and postgres://u:{MASKED}@h/d"
    assert actions[2]["result"] == [{"secrets": [MASKED]}, f"got {{'token': '{MASKED}', 'n': 1}}"]
    assert actions[-1]["details"]["said"] == f"it was {MASKED} or {MASKED}"


def test_fields_that_hold_no_secret_stay() -> None:
    """Counts, plain words, keys of tables and templates are written as they are."""
    details = {
        "max_tokens": 100,
        "token": "the quick brown fox",
        "eos_token": "<|endoftext|>",
        "api_key": "NotRequired",
        "sort_key": "created_at_2024",
        "url": "postgres://{user}:{password}@{host}",
        "text": '{"password": {"type": "string"}}',
        "password": None,
    }
    with capture.start("runs") as run:
        run.log("tool_call", "x", **details)
    assert of_kind(journal(run), "action")[0]["details"] == details


def test_parameters_of_an_llm_call_are_looked_at(scripted_llm: StartLLM) -> None:
    """A secret in a request's own parameters is masked there and later."""
    llm = scripted_llm(["ok"])
    asker, user = thinker("asker", llm.config(extra_body={"service_token": "abc-123-def"})), talker("user")
    with capture.start("runs", console=False) as run:
        user.initiate_chat(asker, message="go", max_turns=1)
        run.log("success", "used abc-123-def")
    assert llm.requests[0].body["service_token"] == "abc-123-def"
    assert files_with(run, "abc-123-def") == []


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("SORT_KEY", "created_at_2024", False),
        ("PRIMARY_KEY", "run_start", False),
        ("OPENAI_API_KEY", "NotRequired", False),
        ("AUTH_TOKEN", "engineer", False),
        ("DB_PASSWORD", "step_start", False),
        ("AZURE_KEY", HEX, True),
        ("DB_PASSWORD", "correct horse battery staple", True),
        ("DB_PASSWORD", "hunter2hunter2", True),
    ],
)
def test_a_variable_is_a_secret_by_its_name_and_value(name: str, value: str, masked: bool) -> None:
    """Plain words and sort keys in the environment are masked nowhere."""
    data = orjson.dumps({"text": f"it is {value}."})
    assert (MASKED.encode() in Mask({name: value}).json(data)) is masked


def test_a_value_like_a_word_is_masked_only_where_it_is_the_whole_word() -> None:
    """Inside a longer word it stays; after a line end or letter as JSON writes them it goes."""
    mask = Mask({"DB_PASSWORD": "plot2024"})
    for text in ("replot2024", "plot20245", "xplot2024x"):
        assert orjson.loads(mask.json(orjson.dumps(text))) == text
    for text in (
        "'plot2024'",
        "a\nplot2024",
        json.dumps(["\nplot2024", "\u2014plot2024"]),
        "是plot2024是",
        "a_plot2024_b",
    ):
        assert "plot2024" not in orjson.loads(mask.json(orjson.dumps(text)))


def test_the_envelope_is_never_masked() -> None:
    """A secret that is equal to a kind or a field's name costs no record its meaning."""
    with capture.start("runs") as run:
        run.log("tool_call", "x", password="run_end1")
        assert run.mask is not None
        run.mask.learn(["action_name", "step_start", "run_start", "action-1"])
        with run.step("step_start"):
            run.log("tool_call", "y")
    assert [r["kind"] for r in journal(run)] == ["run_start", "action", "step_start", "action", "step_end", "run_end"]
    assert [r["action_name"] for r in of_kind(journal(run), "action")] == ["x", "y"]


@pytest.mark.parametrize("holder", ["agent", "wrapper", "config"])
def test_a_key_that_was_there_before_the_run_is_masked_from_its_first_record(holder: str) -> None:
    """Of an agent, a client or a config made before: also where the user hands it over under an innocent name."""
    key = "very-own-key-12345678"
    config = LLMConfig({"model": "m", "api_key": key, "base_url": "http://127.0.0.1:9/v1"})
    made: Any = {
        "agent": lambda: ConversableAgent("keeper", llm_config=config),
        "wrapper": lambda: OpenAIWrapper(config_list=[{"model": "m", "api_key": key}]),
        "config": lambda: config,
    }[holder]()
    if holder != "config":
        del config
    with capture.start("runs", task=f"use {key}", tags={"note": key}) as run:
        run.log("decision", "choose", note=key)
    assert made is not None
    written = (run.path / "journal.jsonl").read_text()
    assert key not in written
    assert written.count(MASKED) == 3
