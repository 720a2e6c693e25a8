"""Secrets are told by the names that they stand under: in the environment, in configs, in what is handed over."""

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from autogen import ConversableAgent, LLMConfig, OpenAIWrapper

import capture
from capture.mask import Mask
from capture.tokens import MASKED
from tests.capture.agents import talker
from tests.capture.recorded import journal, of_kind
from tests.capture.test_mask import TOKENS

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
ACCOUNT = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STORAGE = f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={ACCOUNT};EndpointSuffix=core.windows.net"
SECRET = "Q7w8E9r0T1y2U3i4"


def leaks(run: capture.Run, *secrets: str) -> list[str]:
    """Files of a run that have a secret in their bytes, their name or the names of their folders."""
    found = [path for path in run.path.rglob("*") if path.is_file()]
    assert found
    return [
        str(path)
        for path in found
        for secret in secrets
        if secret.encode() in path.read_bytes() or secret in str(path.relative_to(run.path))
    ]


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DEPLOY_KEY", "abcd-efgh-1234-5678-ijkl", "abcd-efgh-1234-5678-ijkl"),
        ("LICENSE_KEY", "AAAA1-BBBB2-CCCC3-DDDD4", "AAAA1-BBBB2-CCCC3-DDDD4"),
        ("LANGFUSE_KEY", UUID, UUID),
        ("GITHUB_PAT", "qwertyPAT1234567890zz", "qwertyPAT1234567890zz"),
        ("REDIS_AUTH", "redisauth1234567", "redisauth1234567"),
        ("SESSION_COOKIE", "cookievalue12345678", "cookievalue12345678"),
        ("SENTRY_DSN", "https://abcdef0123456789@o1.ingest.sentry.io/1", "abcdef0123456789"),
        ("AZURE_STORAGE_CONNECTION_STRING", STORAGE, ACCOUNT),
        ("AZURE_STORAGE_CONNECTION_STRING", STORAGE, quote(ACCOUNT, safe="")),
        ("DATABASE_URL", "postgres://me:p4ss%40word@h/db", "p4ss%40word"),
        ("DATABASE_URL", "postgres://me:p4ss%40word@h/db", "p4ss@word"),
        ("PROXY", "http://me:p4sswordp4ss@h:80", base64.b64encode(b"me:p4sswordp4ss").decode().rstrip("=")),
    ],
)
def test_a_variable_gives_up_its_secret(name: str, value: str, secret: str) -> None:
    """The whole value, or the part of an address or connection string that is one."""
    text = orjson.loads(Mask({name: value}).json(orjson.dumps(f"it is {secret} and more")))
    assert secret not in text
    assert MASKED in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", "12800000"),
        ("MAX_TOKEN", "12_800_000"),
        ("TOKEN_ENDPOINT", "https://login.example.org/token2"),
        ("OIDC_TOKEN", "https://login.example.org/token2"),
        ("AUTH_TOKEN_ALGORITHM", "HS256-with-rsa"),
        ("SECRET_SCOPE", "projects/team-research"),
        ("SECRET_MANAGER_BACKEND", "gcp-secret-manager-2"),
        ("PASSWORD_MANAGER", "bitwarden-cli-2"),
        ("API_KEY_HEADER", "X-Api-Key-Header-2"),
        ("VAULT_TOKEN_TTL", "20000000"),
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        ("SORT_KEY", "created_at_2024_descending"),
        ("KEY_PREFIX", "runs-2024-05-of-the-team"),
        ("DATABASE_URL", "postgres://postgres:password@localhost/db"),
        ("AUTHOR", "somebody-1234"),
        ("SSH_AUTH_SOCK", "agent.1234.socket"),
    ],
)
def test_a_variable_without_a_secret_is_masked_nowhere(name: str, value: str) -> None:
    """Counts, addresses, algorithms, scopes, examples of passwords: a text that has them stays."""
    data = orjson.dumps([f"it is {value}.", "password, postgres and so on"])
    if "://" in value and "@" in value:
        data = orjson.dumps(["password, postgres and so on"])
    assert Mask({name: value}).json(data) == data


def test_counts_and_settings_that_are_handed_over_stay() -> None:
    """Numbers of tokens as texts, policies, lists of words."""
    details = {
        "max_tokens": "12345678901",
        "input_tokens": "12345678",
        "tokens": ["The", "quick", "brown-fox"],
        "password_policy": "min-12-chars",
        "token_url": "https://login.example.org/token",
        "author": "somebody-1234",
    }
    with capture.start("runs") as run:
        run.log("tool_call", "x", **details)
    assert of_kind(journal(run), "action")[0]["details"] == details


def agent(**config: Any) -> ConversableAgent:
    """An agent with a config of one model."""
    made = {"model": "m", "base_url": "http://127.0.0.1:9/v1", **config}
    if "azure_ad_token" not in config:
        made["api_key"] = "x"
    return ConversableAgent("keeper", llm_config={"config_list": [made]}, human_input_mode="NEVER")


def azure(**config: Any) -> ConversableAgent:
    """An agent that calls Azure: with a token, or else with a key."""
    return agent(api_type="azure", api_version="2024-02-01", **config)


MADE: dict[str, Callable[[str], Any]] = {
    "password of base_url": lambda s: agent(base_url=f"http://me:{s}@127.0.0.1:9/v1"),
    "cookie": lambda s: agent(default_headers={"Cookie": f"theme=dark; session={s}"}),
    "X-Auth": lambda s: agent(default_headers={"X-Auth": s}),
    "query key": lambda s: agent(default_query={"key": s}),
    "query api-key": lambda s: agent(default_query={"api-key": s}),
    "azure_ad_token": lambda s: azure(azure_ad_token=s),
    "azure query": lambda s: azure(default_query={"api-key": s}),
    "wrapper headers": lambda s: OpenAIWrapper(
        config_list=[{"model": "m", "api_key": "x", "default_headers": {"X-Auth": s}}]
    ),
    "wrapper azure_ad_token": lambda s: OpenAIWrapper(
        config_list=[
            {
                "model": "m",
                "api_type": "azure",
                "api_version": "2024-02-01",
                "base_url": "http://127.0.0.1:9",
                "azure_ad_token": s,
            }
        ]
    ),
    "wrapper query": lambda s: OpenAIWrapper(config_list=[{"model": "m", "api_key": "x", "default_query": {"key": s}}]),
}


@pytest.mark.few
@pytest.mark.parametrize("when", ["before", "inside"])
@pytest.mark.parametrize("how", MADE)
def test_secrets_of_a_config_are_masked_wherever_it_was_made(how: str, when: str) -> None:
    """Of agents and clients made before the run and inside it: no byte of the run tells them."""
    made = MADE[how](SECRET) if when == "before" else None
    with capture.start("runs", console=False, files=False) as run:
        made = made or MADE[how](SECRET)
        talker("a").send(f"it is {SECRET}.", talker("b"), request_reply=False)
    assert made is not None
    assert leaks(run, SECRET) == []
    assert f"it is {MASKED}." in (run.path / "journal.jsonl").read_text()


def test_a_config_that_waits_for_an_agent_gives_up_what_it_holds() -> None:
    """Its fields, and those that AG2 keeps beside the fields of the class."""
    made = LLMConfig({"model": "m", "api_key": "x", "base_url": "http://127.0.0.1:9/v1", "service_token": SECRET})
    with capture.start("runs", console=False, files=False, task=f"use {SECRET}") as run:
        pass
    assert made is not None
    assert leaks(run, SECRET) == []


def test_variables_set_while_a_run_goes_on_are_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new one from the next record of any kind; one that a tool overwrote from that tool's own record."""
    new, first, second, last = (f"{name}-{SECRET}" for name in ("new", "first", "second", "last"))
    monkeypatch.setenv("ROTATED_TOKEN", first)

    def rotate() -> str:
        os.environ["ROTATED_TOKEN"] = second
        return second

    a, b = talker("a"), talker("b")
    a.register_function({"rotate": rotate})
    with capture.start("runs", console=False) as run:
        a.send("hello", b, request_reply=False)  # so that no record of a new agent comes between
        b.send("hello", a, request_reply=False)
        monkeypatch.setenv("LATER_API_KEY", new)
        a.send(f"it is {new}.", b, request_reply=False)
        a.execute_function({"name": "rotate", "arguments": "{}"})
        a.send(f"it was {first}, it is {second}.", b, request_reply=False)
        Path("out.txt").write_text(last)
        run.log("success", "out.txt")
        monkeypatch.setenv("ROTATED_TOKEN", last)
    assert leaks(run, new, first, second, last) == []
    assert len(of_kind(journal(run), "file")) == 1


def test_names_of_files_tell_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved transcripts, copies and their folders: the record points at the file under its masked name."""
    monkeypatch.setenv("SERVICE_API_KEY", SECRET)
    with capture.start("runs", console=False) as run:
        run.save_messages([{"role": "user", "name": "u", "content": "q" * 2_000_000}], name=f"chat {TOKENS[0]}")
        Path(f"d-{SECRET}").mkdir()
        for number in (1, 2):
            Path(f"d-{SECRET}/plain{number}.txt").write_text("text")
        Path(f"out-{TOKENS[3]}.txt").write_text("text")
        run.log("success", f"wrote plain1.txt, plain2.txt, out-{TOKENS[3]}.txt")
    assert leaks(run, SECRET, TOKENS[0], TOKENS[3]) == []
    (transcript,) = of_kind(journal(run), "messages")
    assert (run.path / transcript["path"]).stat().st_size > 2_000_000
    copies = [file["copy"] for file in of_kind(journal(run), "file")]
    assert [(run.path / copy).read_text() for copy in copies] == ["text"] * len(copies)
    assert {"files/d-_masked_/plain1.txt", "files/d-_masked_/plain2.txt"} <= set(copies)


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**64, 2**63 - 1, -(2**63)])
def test_numbers_of_a_masked_record_stay(number: int) -> None:
    """Whole numbers beyond 64 bits too: they do not become floats."""
    mask = Mask({"MY_PASSWORD": SECRET})
    masked = mask.record(b'"kind":"event","event":{"n":%d,"t":"it is %b"}' % (number, SECRET.encode()))
    assert masked == b'"kind":"event","event":{"n":%d,"t":"it is [masked]"}' % number
    assert mask.json(b'[%d,"%b"]' % (number, SECRET.encode())) == b'[%d,"[masked]"]' % number
