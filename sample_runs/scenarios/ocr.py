"""Mode ocr: a tool reads the pages of a scanned document, two at once, and another writes the text."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sample_runs.scenarios.scenario import OUTPUT, Scenario, executor, speaker
from sample_runs.scripted_llm import Call, Reply, call

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

PAGES = ("Station log 1931. First frost on 3 October.", "Thermometer replaced on 12 November.")
TEXT = "\n".join(PAGES)


def write_document() -> None:
    """A document with PDF's text operators and no compression: enough for a reader of one regular expression."""
    pages = "".join(f"%%Page {i}\nBT /F1 12 Tf ({text}) Tj ET\n" for i, text in enumerate(PAGES, 1))
    path = Path(OUTPUT, "station_log.pdf")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"%PDF-1.4\n" + pages.encode() + b"%%EOF\n")


def read_page(path: Annotated[str, "the document"], page: Annotated[int, "counts from 1"]) -> str:
    """Reads the text of one page."""
    document = Path(OUTPUT, path).read_text()
    texts: list[str] = re.findall(r"\(([^)]*)\) Tj", document)
    return texts[page - 1]


def save_text(path: Annotated[str, "where to"], text: str) -> str:
    """Writes extracted text."""
    Path(OUTPUT, path).write_text(text + "\n")
    return f"Text saved to {path}"


def play(run: "Run", llm: "ScriptedLLM") -> None:
    reader = speaker("ocr_agent", "You extract the text of documents.", llm)
    scanner = executor("scanner")
    for tool in (read_page, save_text):
        reader.register_for_llm(description=(tool.__doc__ or "").strip())(tool)
        scanner.register_for_execution()(tool)
    with run.step("step_1", node_id="ocr"):
        result = scanner.initiate_chat(reader, message="Extract the text of station_log.pdf, it has two pages.")
    run.save_messages(result)
    run.log("success", "document_read", agent="ocr_agent", pages=len(PAGES))


SCENARIOS = (
    Scenario(
        run_id="20260114T120000Z-ocr",
        task="Extract the text of the station log",
        mode="ocr",
        script={
            "You are ocr_agent.": [
                Reply(
                    "I read both pages.",
                    tuple(Call("read_page", {"path": "station_log.pdf", "page": i}) for i in (1, 2)),
                ),
                call("save_text", path="station_log.txt", text=TEXT),
                "The text is in station_log.txt. TERMINATE",
            ]
        },
        prepare=write_document,
        play=play,
        session="archive",
    ),
)
