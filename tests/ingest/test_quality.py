"""The quality of responses: each check, and how seldom the checks are wrong about real agents."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import queries
from ingest.answers import answer
from ingest.quality import CHECKS, MAX_WORDS, Quality, judge
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, write_journal

REAL = Path(__file__).resolve().parents[3] / "shared" / "real_transcripts"
FINE = "The mean of the week is 5.25 degrees."


def said(
    text: str | None,
    calls: tuple[str | None, ...] = (),
    request: Row | None = None,
    agent: str = "writer",
    **choice: Any,
) -> Quality:
    """The verdict on a chat completion that says this and calls tools with these arguments."""
    tool_calls = [{"id": str(n), "function": {"name": "f", "arguments": a}} for n, a in enumerate(calls)] or None
    message = {"role": "assistant", "content": text, "tool_calls": tool_calls, "refusal": choice.pop("refusal", None)}
    response = {"choices": [{"message": message, "finish_reason": "stop", **choice}]}
    quality = judge(request or {}, response, answer(response), agent, failed=False)
    assert quality is not None
    return quality


def found(quality: Quality) -> list[str]:
    """Names of the checks that a response failed."""
    return quality.errors + quality.warnings


JSON = {"response_format": {"type": "json_object"}}

FAILING = [
    ("empty", said(None)),
    ("empty", said(" \n")),
    ("error_text", said("Error: the model is overloaded, please retry later.")),
    ("error_text", said("openai.RateLimitError: Error code: 429 - rate limit reached for gpt")),
    ("error_text", said("Sorry, an internal error occurred while I was answering you.")),
    ("error_text", said("**Internal Server Error**")),
    ("refusal", said("I'm sorry, but I can't assist with that request.")),
    ("refusal", said("I\u2019m sorry, I can\u2019t help you with that one.")),
    ("refusal", said("As an AI language model, I cannot browse the web for you.")),
    ("refusal", said("Unfortunately, I am unable to access the file that you sent.")),
    ("refusal", said("I am currently unable to open the archive that you named, so please unpack it yourself.")),
    ("refusal", said("I will not assist with a task like this one.")),
    ("refusal", said("Your request goes against the usage policies.")),
    ("refusal", said(None, refusal="I can't help with that.")),
    ("refusal", said("It goes on like", finish_reason="content_filter")),
    ("broken_json", said('{"mean": 5.25, "unit": ')),
    ("broken_json", said('[{"mean": 5.25}, {"mean" 7}]')),
    ("broken_json", said("Here is the result that you asked for:\n```json\n{'mean': 5.25}\n```")),
    ("broken_json", said('The result, cut off:\n```json\n{"mean": 5.')),
    ("broken_json", said(FINE, request=JSON)),
    ("broken_json", said(None, calls=('{"path": "a.csv"', "{}"))),
    ("broken_json", said(FINE, calls=("",))),
    ("broken_json", said(FINE, calls=(" \n",))),
    ("broken_json", said(FINE, calls=('{"path": "C:\\\\",\n"rows": 1}',))),
    ("too_short", said("Yes.")),
    ("too_short", said("It is done now")),
    ("too_long", said("word " * (MAX_WORDS + 1))),
    ("self_correction", said("The mean is 4. Wait, no, the mean is 5.25 degrees.")),
    ("self_correction", said("I made a mistake in the sum above; the mean is 5.25.")),
    ("self_correction", said("I have made an error in the second row, which has to be 5.25.")),
    ("self_correction", said("My previous answer was wrong: the mean is 5.25 degrees.")),
    ("self_correction", said("I apologize for the confusion. The mean is 5.25 degrees.")),
    ("self_correction", said("There was a mistake in my previous code. Here is the fix.")),
    ("self_correction", said("Apologies, the earlier figure was wrong: it is 14.")),
    ("empty", said("None")),
    ("empty", said(" null\n")),
    ("broken_json", said("[1, 2, 3")),
    ("broken_json", said('{"a": NaN}')),
    ("broken_json", said('```\n{"a":\n```', request=JSON)),
    ("broken_json", said('The plan as JSON:\n```json\n{"steps": [1, 2,]}\n```')),
    *(
        ("error_text", said(text))
        for text in (
            "Error code: 429 - {'error': {'message': 'Rate limit reached for requests'}}",
            "error_code:None, config 0 failed",
            "503 Service Unavailable",
            "504 Gateway Time-out",
            "HTTP 401 Unauthorized: no valid key was given",
            "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
            "Request failed with status code 502",
            "Something went wrong. Please try again.",
            "Sorry, something went wrong on our end.",
            "Sorry, there was an error processing your request. Please try again later.",
            "upstream connect error or disconnect/reset before headers. reset reason: overflow",
            "Connection refused by the server at 10.0.0.4:8000, giving up after 3 retries",
            "The model is currently overloaded. Please retry your request.",
            "The service is temporarily unavailable. Please try again in a few minutes.",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "litellm.exceptions.Timeout: the call to the model took more than 600 seconds",
            "httpx.ReadTimeout: The read operation timed out",
            "ValueError: could not convert string to float: 'n/a'",
            "Exception: rate limit reached for the model, and no other one is configured",
            '{"error": {"message": "The server is busy", "code": 503}}',
        )
    ),
    *(
        ("refusal", said(text))
        for text in (
            "I'm sorry, Dave. I'm afraid I can't do that.",
            "I won't be able to help you with this request.",
            "I am not comfortable providing that kind of text.",
            "I don't have access to real-time data, so I can't tell you the price.",
            "I must refuse to write this letter.",
            "I do not feel able to give a diagnosis. Please see a doctor about the pain.",
            "I refuse to answer this question.",
            "I'd rather not answer that.",
            "As a large language model I am unable to browse the web.",
            "I am not comfortable writing this.",
            "I would prefer not to comment on that topic.",
            "I have to decline this request.",
            "I have to respectfully decline. This would be harmful to others.",
            "I can't tell you how to do that.",
            "I'm not comfortable with this request.",
            "I'm not going to answer that question.",
            "I'm a large language model and cannot visit web pages.",
            "I can't help with that, but I can suggest other topics",
            "I'm sorry, but I can't assist with that. However, I encourage you to talk to a professional.",
            "I cannot do that, but feel free to ask something else",
            "I'm unable to access the internet, but you can search for it on Google.",
            "I can't provide medical advice. However, it is important to consult a qualified doctor.",
            "I can't provide tax advice. However, a certified accountant can help you with your return.",
            "I can't answer that, but it's a great question.",
            "I can't provide that, but what about a story with a kinder ending?",
            "I can't generate that image. Still, I understand why it matters to you.",
            "I can't assist with that. However, security is a valuable subject to learn.",
            "I cannot provide real-time prices, but sites such as Yahoo Finance offer up-to-date information.",
            "I'm sorry, I can't write that essay for you, but I would be glad to give feedback on a draft.",
            "I'm unable to process this file. However, please try uploading it again.",
            "I cannot create such content. However, it would be illegal in most countries.",
            "I cannot help with hacking accounts. However, account recovery is possible through the official form.",
            "I can't provide exploits for log4j, but the vulnerability affects versions 2.0 to 2.14.",
            "I cannot provide legal advice; however, a tenant generally has thirty days.",
            "I can't provide that information. Still, your safety matters to me.",
            "I decline to participate in this debate.",
            "I refuse to write malware.",
            "I decline to provide medical advice.",
            "I am not going to help you build a bomb.",
            "I'd rather not comment.",
            "I would prefer not to talk about politics.",
            "It would be inappropriate for me to give the home address of a private person.",
            "Sorry, but that is not something I can help you with today.",
            "I'm not able to browse websites, so you would have to paste the text here.",
            "I apologize, but I'm not able to discuss this topic. Let's talk about something else.",
            "I cannot access the page from here. For now, let me guide you through the steps.",
            '"I cannot help with that request."',
            "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
            "Tut mir leid, ich kann diese Anfrage nicht beantworten.",
            "Ich kann Ihnen dabei leider nicht weiterhelfen.",
            "Ich bin leider nicht in der Lage, diese Frage zu beantworten.",
            "Als KI-Sprachmodell habe ich keinen Zugriff auf das Internet.",
            "Lo siento, pero no puedo ayudarte con eso.",
            "No puedo ayudarle con esa solicitud.",
            "Lamentablemente, no puedo proporcionar esa información.",
            "Como modelo de lenguaje, no tengo acceso a datos en tiempo real.",
            "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
            "Désolée, je ne suis pas en mesure de répondre à votre question.",
            "En tant qu\u2019IA, je n\u2019ai pas accès à Internet.",
            "抱歉\uff0c我无法协助您完成这个请求。",
            "很抱歉, 我没办法回答这个问题。",
            "對不起\uff0c我不能提供這方面的幫助。",
            "作为一个AI语言模型\uff0c我无法访问互联网。",
            "对此我无法给出回答。",
        )
    ),
    *(
        ("self_correction", said(text))
        for text in (
            "The mean is 4. Actually, let me recalculate that for the week.",
            "Oops, I used the wrong column of the table.",
            "You're right, I apologize. The total should be 52.",
            "You are correct, I missed the last row. The sum is 412.",
            "Correction: the total is 52 and not 25.",
            "The mean is 4. Correction: the mean is 5.25.",
            "Sorry about that, let me fix that: it is 52.",
            "Let me fix my answer: the mean is 5.25.",
            "The answer is 17. Hmm, that can't be right, since 17 is prime. It is 18.",
            "I mixed up the two stations: Oslo has 5.1 and Bergen 7.6 degrees.",
            "The sum I gave earlier is wrong; with the last row it is 412.",
            "The capital is Sydney. No, actually that's wrong, it is Canberra.",
            "I just realized that the mean is of the wrong column.",
            "If I made a mistake, tell me. I see now that I made a mistake in the sum.",
        )
    ),
]

PASSING = [
    said(FINE),
    said(None, calls=('{"path": "a.csv"}',)),
    said(None, calls=('{"text":\n\t"two\nlines\tand \\"\nmore\\""}',)),
    said(None, calls=(None,)),
    said("TERMINATE"),
    said("engineer", agent="speaker_selection_agent"),
    said("42"),
    said('{"mean": 5.25}'),
    said('{"mean": 5.25}\n\nTERMINATE'),
    said('{"mean": 5.25}', request=JSON),
    said('```json\n{"mean": 5.25}\n```', request=JSON),
    said("[1] See the paper for the method and the data."),
    said("[Skip to content](#content) and read the page below."),
    said("```python\nprint(1)\n```"),
    said("\u5e73\u5747\u6c17\u6e29\u306f\u4e94\u5ea6\u3067\u3059"),
    said("Error analysis of the fit: the residuals are small and even."),
    said("The script failed with `ValueError: no such column`, so I read the header first."),
    said("I cannot find a column of that name, so I list the columns."),
    said("The server can't provide more than 100 rows, so the script pages through them."),
    said("I won't repeat the table; the mean is 5.25 degrees."),
    said("There is an indentation error in your code block. Let me correct that for you now."),
    said("I cannot open the page from here, so run this:\n```python\nprint(1)\n```"),
    said("I will not write a second file; the rows are added to the first."),
    said("As an AI researcher, I propose to compare three models of the trend."),
    said("I am an AI engineer, and my task is to check the units of the table."),
    said("As an AI assistant of the team I now draw the plot that was asked for."),
    said("The second invoice violates our policy on travel, the others are in order."),
    said("The request timed out, so I read the copy from yesterday."),
    said("An error occurred in the third cell. Let's give the column its unit and run it again."),
    said("Status code 404 means that the page is gone; the archive has it."),
    said("I made an error bar plot of the five stations."),
    said("I have made the error log readable for the reviewer."),
    said('One object per line:\n```json\n{"mean": 5.25}\n\n{"mean": 4.5}\n```'),
    said("Actually, the station has two sensors; both are in the table."),
    said("Here is the corrected script, with the right column."),
    said("The previous response of the planner was a list of three steps."),
    said("Wait for the download to end before you read the file."),
    said("None of the rows is missing a value."),
    said("None", agent="speaker_selection_agent"),
    said("None", calls=("{}",)),
    said(None, calls=('{"a": NaN}',)),
    said('```\n{"a":1}\n```', request=JSON),
    said('Here it is:\n```\n{"a":1}\n```\n', request=JSON),
    said("[1, 2, 3]"),
    said("[2023, 2024] are the years that both files share."),
    said("[1, p. 3] says how the stations were chosen."),
    *(
        said(text)
        for text in (
            # what begins like an error
            "The error occurred because `x` was never defined; define it before the loop.",
            "KeyError: 'amplitud' means the key is misspelt; it should be amplitude.",
            "ValueError: this is raised when int() gets a text that is no number.",
            "NameError: name 'x' is not defined; define it before the loop.",
            "Too many requests were sent last week; the chart shows them by day.",
            "Status: 404 pages were crawled in the last hour.",
            "Context length exceeded 4096 tokens in 3 of the 20 runs",
            "Internal server errors fell from 40 to 3 after the update.",
            "Service unavailable on Sundays: the office, the archive and the shop.",
            "Error: 0.3 % at most, so far below the noise.",
            "Error-prone lines are the third and the ninth.",
            "pathlib.Path: reads and joins paths on every system.",
            "Forbidden characters in the file names are replaced with an underscore.",
            "ValueError: could not convert string to float. I added a cast and the test passes.",
            "ImportError: numpy is absent. I installed it and reran the script: all is well.",
            "I apologize for any confusion this may cause to new readers.",
            # what begins like a refusal
            "I am unable to access the page, so here is the answer from memory: Paris.",
            "I can't tell you how happy I am to see this work.",
            "I cannot. The file is locked by another process, so I copied it first.",
            "I can't help but notice that the mean is far from the median.",
            "I cannot provide an exact number, but a good estimate is 12,000",
            "I cannot open the file data.csv: it is not in the folder. Executor, please list it",
            "I can't browse the internet, but based on my knowledge the capital of Australia is Canberra.",
            "I'm not able to run code here, but the following script will produce the plot you want.",
            "I'm unable to access the live site, but the cached copy lists 14 museums.",
            "I cannot access external URLs directly. However, from the abstract you pasted, the sample size is 120.",
            "I can't open the spreadsheet directly; nevertheless the summary implies a total of 5,120.",
            "I cannot provide an exact figure, but it lies between 40 and 50 percent.",
            "As an AI, I don't have feelings, but I can tell you that the joke is funny because of the pun.",
            "I can't open a.csv, but b.csv has the same rows.",
            "I cannot give you the exact date. Still, the letter was written before the war, probably in 1913.",
            "I can't browse the site, but I remember that its third edition came out in 2004.",
            "I cannot do so with one regular expression, but two passes over the text are enough.",
            "I must decline to give a single number, but the range is 12 to 15.",
            "I can't complete all ten sections at once, but the first two are done: history and methods.",
            "I won't discuss every theorem, but the main one says that each such graph has a perfect matching.",
            "I cannot create a PDF here; instead, the report below is in Markdown.",
            "I cannot write to the disk, but the configuration needed is three lines: host, port and token.",
            "I refuse to believe that the two columns are equal, so I compare them.",
            "I'd rather not load the whole file; reading it in chunks keeps memory low.",
            "I'd rather not comment out the test: it passes now.",
            "I can't share the full list, but the top three are Paris, Rome and Berlin.",
            "I can't answer with certainty, but the most probable author is Marlowe.",
            "I refuse to create a second connection here because the pool is shared.",
            "I refuse this request from the scheduler with HTTP 409 when the job exists.",
            "I'm not going to discuss the proof in detail. The result is x = 3.",
            "I am an LLM and the user proxy executes the code; you don't need to run it yourself.",
            "I am not comfortable with this p-value; the sample is too small.",
            "As a large language model, GPT-4 has many layers, and most labs cannot train one.",
            "I am a language model researcher and cannot attend on Friday.",
            "I'm not going to write a second file; the rows are added to the first.",
            "This violates the usage policies of the cluster, which allow 4 hours, and the job is split.",
            "The agent answered:\nI cannot help with that.\nWe should rephrase the question.",
            'The bot replied: "Sorry, I can\'t help with that." Its prompt lacks the tool list.',
            "The customer wrote: I can't access my account since Monday.\nCategory: login problem.",
            "I cannot run the tests before the fixture exists. I will write the fixture first.",
            "I don't have access to the internet here, so I read the copy from yesterday.",
            "Das Modell kann nicht mehr als 100 Zeilen lesen, deshalb teilt das Skript sie auf.",
            "Leider fehlt die Spalte; ich lese sie aus der zweiten Datei.",
            "No se puede abrir el archivo porque falta la carpeta; la creo primero.",
            "我无法确定具体原因\uff0c但日志显示磁盘已满。",
            # what begins like a correction
            "Hold on, I will first download the file that is missing.",
            "Wait, I need two seconds of sleep between requests",
            "If I made a mistake, please tell me",
            "I overlooked nothing in the second table.",
            "I just realized the plan you asked for",
            "I should have the table ready in the next message.",
            "You're right that the mean hides the gap, and the plot now shows both groups.",
            "The script stopped at the third row. Let me fix that and run it again.",
            'The report said "I was wrong about the trend" in its second part.',
            "Sorry, the second plot took longer; both are saved now.",
            "Original: He go home. Correction: He goes home.",
        )
    ),
]


@pytest.mark.parametrize(("check", "quality"), FAILING)
def test_a_poor_response_fails_the_check_that_is_meant_for_it(check: str, quality: Quality) -> None:
    """It fails this check and no other; the kind of the check decides whether the response is valid."""
    assert found(quality) == [check]
    kind = next(c.kind for c in CHECKS if c.name == check)
    assert quality.valid == (kind == "warning")
    assert bool(quality.errors) == (kind == "error")
    assert 0 <= quality.score < 1


@pytest.mark.parametrize("quality", PASSING)
def test_a_good_response_passes_every_check(quality: Quality) -> None:
    """What only resembles a poor response has the full score."""
    assert (found(quality), quality.valid, quality.score) == ([], True, 1.0)


def test_arguments_are_parsed_as_by_ag2() -> None:
    """What AG2's own step makes of a text parses here too, or does not."""
    autogen = pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    verdicts = set()
    for pieces in itertools.product(['"', "\\", "\n", "\t", "\r", " ", "1", ","], repeat=4):
        arguments = f'["{"".join(pieces)}"]'
        try:
            json.loads(autogen.ConversableAgent._format_json_str(arguments))
            is_taken = True
        except json.JSONDecodeError:
            is_taken = False
        assert ("broken_json" not in found(said(FINE, calls=(arguments,)))) is is_taken, arguments
        verdicts.add(is_taken)
    assert verdicts == {True, False}


def test_every_check_is_tried() -> None:
    """There is a response that fails it, and a rule in words."""
    assert {check.name for check in CHECKS} == {check for check, _ in FAILING}
    assert all(check.rule and check.kind in ("error", "warning") for check in CHECKS)


def test_a_response_with_an_error_is_below_the_usual_threshold() -> None:
    """Any error takes the score under 0.7, nothing at all takes it to 0, and one warning leaves it above."""
    assert said(None).score == 0
    assert all(quality.score < 0.7 for _, quality in FAILING if not quality.valid)
    assert all(quality.score > 0.7 for _, quality in FAILING if quality.valid)


def test_metrics_count_what_the_response_holds() -> None:
    """Words, characters, whether its JSON parses, code, tool calls and why it ended."""
    assert said("a b\nc d e ```x```").metrics == {
        "words": 6,
        "characters": 17,
        "json_valid": None,
        "has_code": True,
        "tool_calls": 0,
        "finish_reason": "stop",
    }
    assert said('{"a": 1}').metrics["json_valid"] is True
    assert said('{"a": 1').metrics["json_valid"] is False
    assert said(None, calls=("{}", "{}")).metrics["tool_calls"] == 2


def test_a_response_of_unknown_shape_is_not_judged() -> None:
    """Nothing is claimed of what is no chat completion; a response without choices has no text."""
    assert judge({}, {"output": None}, answer({"output": None}), None, failed=False) is None
    assert judge({}, [1], answer([1]), None, failed=False) is None
    nothing = judge({}, {"choices": []}, answer({"choices": []}), None, failed=False)
    assert nothing is not None
    assert nothing.errors == ["empty"]


@pytest.mark.parametrize(
    "unit",
    [
        "I ",
        "```json\n",
        "{",
        '{"a":',
        "[",
        "sorry, ",
        "wait, ",
        ".\n",
        "i am an ",
        "\ud800",
        "as an ai ",
        "```",
        "x.A",
        "抱歉我",
        "if i was wrong ",
        "i cannot do so, but ",
    ],
)
def test_a_megabyte_of_hostile_text_is_judged(unit: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Repeated beginnings of the patterns go through, which a step of quadratic time would not let them.

    RE2 says on stderr where a pattern needs more memory than it has, and goes on many times slower.
    """
    text = unit * (1_000_000 // len(unit))
    assert said(text).metrics["characters"] == len(text)
    assert capfd.readouterr().err == ""


def test_the_tables_say_which_responses_are_poor(runs: Path, ingested: Ingest) -> None:
    """From the journal to `poor_responses`: a failed call, a refusal and an empty answer, worst first."""

    def call(agent: str, text: str | None, **fields: Any) -> Row:
        message = {"role": "assistant", "content": text}
        return {
            "kind": "llm_call",
            "agent": agent,
            "model": "m",
            "request": {"messages": []},
            "response": {"choices": [{"message": message}]},
            **fields,
        }

    write_journal(
        runs,
        "r",
        call("good", FINE),
        call("brief", "Yes."),
        call("refusing", "I'm sorry, but I can't help with that."),
        call("silent", None),
        call("broken", None, status="error", response="error_code:429, config 0 failed"),
    )
    tables = ingested(runs)
    con = queries.connect(tables.out)
    rows = queries.run("poor_responses", con).fetchall()
    assert [(row[1], json.loads(row[4])) for row in rows] == [
        ("silent", ["empty"]),
        ("broken", ["error_text"]),
        ("refusing", ["refusal"]),
    ]
    assert [row[1] for row in queries.run("poor_responses", con, threshold=0.9).fetchall()][-1] == "brief"
    (good,) = tables.sql("SELECT * FROM llm_calls WHERE agent_name = 'good'")
    assert (good["response_valid"], good["response_quality_score"]) == (True, 1.0)
    assert json.loads(good["response_metrics"])["words"] == 8


@pytest.mark.skipif(not REAL.is_dir(), reason="the real transcripts are not on this machine")
def test_real_agents_raise_few_alarms() -> None:
    """Of 762 messages of real agents at most 4 are errors and 4 self-corrections, as many as a reader finds.

    Read one by one: the errors are an empty message and three agents that say they cannot do what they were asked; the
    self-corrections take something back in so many words. Short are the notes of an orchestrator (a speaker's name,
    that the request is satisfied) and a bare shell command; agents that made the other half have none.
    """
    counts: dict[str, dict[str, int]] = {"algorithm": {}, "handcrafted": {}}
    messages = 0
    for path in sorted(REAL.rglob("*.json")):
        for message in json.loads(path.read_text(encoding="utf-8"))["history"]:
            if (message.get("name") or message["role"]) in ("Computer_terminal", "human"):
                continue
            messages += 1
            for check in found(said(message["content"])):
                half = counts[path.parent.name]
                half[check] = half.get(check, 0) + 1
    assert messages > 700
    assert counts["handcrafted"].keys() <= {"too_short"}
    assert counts["algorithm"].pop("empty") == 1
    assert counts["algorithm"].pop("refusal") in (2, 3)
    assert counts["algorithm"].pop("self_correction") <= 4
    assert counts["algorithm"] == {}
