"""What the recorder's tests share: an empty folder to work in, and a check that nothing is left in AG2."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("autogen", reason="the recorder's tests need AG2: pip install 'ag2-journal[ag2]'")

from autogen import runtime_logging
from autogen.io.base import IOStream

import capture


@pytest.fixture(autouse=True)
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in a folder of its own, with no setting of the machine's."""
    for name in list(os.environ):
        if name.startswith("AG2_CAPTURE"):
            monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture(autouse=True)
def ag2_as_before() -> Iterator[None]:
    """No test leaves a run behind, nor anything of the recorder in AG2."""
    before = _state()
    yield
    assert capture.current() is None
    assert _state() == before


def _state() -> tuple[object, ...]:
    return (
        IOStream.get_default(),
        IOStream.get_default,
        IOStream.get_global_default(),
        runtime_logging.autogen_logger,
        runtime_logging.is_logging,
        runtime_logging.start,
    )
