"""The files that a run made are in its folder when it ends, within bounds, and nothing else is."""

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest

import capture
from tests.capture.recorded import Record, journal, of_kind


def saved(run: capture.Run) -> dict[str, Record]:
    """The `file` records of a run, by path."""
    return {record["path"]: record for record in of_kind(journal(run), "file")}


def test_what_was_written_and_mentioned_is_copied() -> None:
    """New and changed files whose name the journal has anywhere; untouched and unmentioned ones are left alone."""
    Path("old.txt").write_text("old")
    Path("changed.txt").write_text("before")
    for name in ("old.txt", "changed.txt"):
        os.utime(name, ns=(10**18, 10**18))
    os.utime("old.txt", ns=(10**18, 10**18))
    import time

    time.sleep(0.05)  # past the tick of the file system's clock that `SLACK_NS` allows for
    with capture.start("runs") as run:
        Path("changed.txt").write_text("after")
        Path("out/deep").mkdir(parents=True)
        Path("out/deep/new data.csv").write_text("1,2\n")
        Path("unmentioned.txt").write_text("x")
        run.log("success", "wrote old.txt, changed.txt and\nout/deep/new data.csv.")
    files = saved(run)
    assert files.keys() == {"changed.txt", "out/deep/new data.csv"}
    assert (run.path / files["changed.txt"]["copy"]).read_text() == "after"
    assert files["changed.txt"]["size"] == 5
    assert files["changed.txt"]["sha256"] == hashlib.sha256(b"after").hexdigest()
    assert files["out/deep/new data.csv"]["media_type"] == "text/csv"
    copies = {path.relative_to(run.path).as_posix() for path in (run.path / "files").rglob("*") if path.is_file()}
    assert copies == {"files/changed.txt", "files/out/deep/new data.csv"}


@pytest.mark.parametrize(
    ("name", "mention"),
    [
        ("a.py", '# filename: a.py\nprint("x")'),
        ("b.csv", 'open("b.csv")'),
        ("c.txt", "written to c.txt."),
        ("d.png", "(d.png)"),
        ("e.json", 'tool {"arguments": "{\\"path\\": \\"/x/e.json\\"}"}'),
        ("new.md", "line\nnew.md"),
        ("tab.md", "x\ttab.md"),
        ("größe.txt", "größe.txt"),
        ("größe2.txt", '{"path": "gr\\u00f6\\u00dfe2.txt"}'),
        ("mein text.txt", "mein text.txt"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, mention: str) -> None:
    """In quotes, brackets, at the end of a sentence, after an escaped line end, with blanks or letters beyond ASCII."""
    with capture.start("runs") as run:
        Path(name).write_text("x")
        run.log("success", mention)
    assert list(saved(run)) == [name]


def test_large_and_binary_files_are_only_described() -> None:
    """A megabyte of text and a picture have size, hash and media type, and no copy."""
    with capture.start("runs") as run:
        Path("big.txt").write_text("x" * 1_000_000)
        Path("plot.png").write_bytes(b"\x89PNG\r\n\x00")
        run.log("success", "big.txt plot.png")
    files = saved(run)
    assert [f["copy"] for f in files.values()] == [None, None]
    assert [f["reason"] for f in files.values()] == ["1000000 bytes or more", "binary"]
    assert files["big.txt"]["sha256"] == hashlib.sha256(b"x" * 1_000_000).hexdigest()
    assert files["plot.png"]["media_type"] == "image/png"


def test_foreign_folders_are_not_looked_into() -> None:
    """Hidden folders, virtual environments, caches, and the runs folder are skipped."""
    with capture.start("runs") as run:
        for folder in (".git", "env", "__pycache__", "node_modules", "runs/other"):
            Path(folder).mkdir(parents=True)
            (Path(folder) / "x.txt").write_text("x")
        Path("env/pyvenv.cfg").write_text("")
        Path(".env").write_text("SECRET=1")
        Path("x.txt").write_text("x")
        run.log("success", "x.txt .env")
    assert list(saved(run)) == ["x.txt"]


def test_runs_in_the_current_folder_are_not_copied_into_each_other() -> None:
    """With the current folder as runs folder, journals and copies of other runs are no files of this run."""
    for number in range(2):
        with capture.start(".", run_id=f"r{number}") as run:
            Path("x.txt").write_text(str(number))
            run.log("success", "x.txt journal.jsonl")
    assert list(saved(run)) == ["x.txt"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Neither a link to a file nor one to a folder brings in what lies outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with capture.start("runs") as run:
        (outside / "secret.txt").write_text("secret")
        Path("secret.txt").symlink_to(outside / "secret.txt")
        Path("folder").symlink_to(outside)
        os.mkfifo("pipe.txt")
        run.log("success", "secret.txt pipe.txt")
    assert saved(run) == {}


def test_an_executors_folder_elsewhere_is_looked_into(tmp_path: Path) -> None:
    """Files of a code executor whose folder is not below the current one are saved, with their whole path."""
    from autogen import UserProxyAgent
    from autogen.coding import LocalCommandLineCodeExecutor

    from tests.capture.agents import talker

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with capture.start("runs", console=False) as run:
        executor = LocalCommandLineCodeExecutor(work_dir=str(elsewhere), timeout=60)
        runner = UserProxyAgent("runner", human_input_mode="NEVER", code_execution_config={"executor": executor})
        code = '```python\nopen("out.txt", "w").write("made")\n```'
        talker("engineer", "").initiate_chat(runner, message=code, max_turns=1)
    files = saved(run)
    assert list(files) == [str(elsewhere / "out.txt")]
    assert (run.path / files[str(elsewhere / "out.txt")]["copy"]).read_text() == "made"


def test_where_code_ran_is_in_its_record(tmp_path: Path) -> None:
    """Relative where it is below the current folder; an executor that can't tell loses no record."""
    from autogen.coding import CodeBlock, CodeExecutor, CodeResult, LocalCommandLineCodeExecutor

    from tests.capture.agents import talker

    class Odd(CodeExecutor):
        code_extractor = None  # type: ignore[assignment]

        @property
        def work_dir(self) -> str:
            raise OSError("no folder")

        def execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CodeResult:
            return CodeResult(exit_code=0, output="")

        def restart(self) -> None:
            pass

    elsewhere = tmp_path / "elsewhere"
    block = [CodeBlock(code="print(1)", language="python")]
    old = talker("old", "", code_execution_config={"work_dir": "old", "use_docker": False})
    with capture.start("runs", console=False) as run:
        for folder in ("below/here", str(elsewhere)):
            Path(folder).mkdir(parents=True)
            LocalCommandLineCodeExecutor(work_dir=folder).execute_code_blocks(block)
        old.execute_code_blocks([("python", "print(2)")])
        odd = talker("odd", "", code_execution_config={"executor": Odd()})
        odd.code_executor.execute_code_blocks(block)
    ran = of_kind(journal(run), "code_exec")
    assert [record.get("work_dir") for record in ran] == ["below/here", str(elsewhere), "old", None]


COMPUTED = """```python
for i in range(3):
    open(f"out{i}.csv", "w").write(f"row {i}")
```"""
"""Code that writes files whose names stand nowhere."""


def run_code(work_dir: str | Path, code: str = COMPUTED) -> None:
    """Has an agent with a code executor of its own run the code."""
    from autogen import UserProxyAgent
    from autogen.coding import LocalCommandLineCodeExecutor

    from tests.capture.agents import talker

    executor = LocalCommandLineCodeExecutor(work_dir=work_dir, timeout=60)
    runner = UserProxyAgent("runner", human_input_mode="NEVER", code_execution_config={"executor": executor})
    talker("engineer", "").initiate_chat(runner, message=code, max_turns=1)


def written(run: capture.Run) -> set[str]:
    """Names of the data files that a run saved, with their contents checked."""
    found = {Path(path).name: record for path, record in saved(run).items() if path.endswith(".csv")}
    for name, record in found.items():
        assert (run.path / record["copy"]).read_text() == f"row {name[3]}"
    return set(found)


def test_scripts_that_ag2_names_are_saved_where_the_journal_names_them() -> None:
    """Of code that failed, the traceback names the script, which is saved; other scripts lie there as well, but stand
    word for word in the record of what was executed."""
    with capture.start("runs", console=False) as run:
        run_code("coding", "```python\nprint('fine')\n```")
        run_code("coding", "```python\n1 / 0\n```")
    assert len(list(Path("coding").glob("tmp_code_*.py"))) == 2
    ((_, record),) = saved(run).items()
    assert (run.path / record["copy"]).read_text() == "1 / 0"
    assert [r["blocks"][0]["code"] for r in of_kind(journal(run), "code_exec")] == ["print('fine')", "1 / 0"]


@pytest.mark.parametrize("work_dir", ["coding", "../elsewhere"])
def test_all_that_code_makes_in_a_folder_of_its_own_is_saved(work_dir: str) -> None:
    """Names that code puts together, which the journal never has; what lay there before is left alone."""
    Path(work_dir).mkdir()
    for number in range(300):
        path = Path(work_dir, f"old{number}.csv")
        path.write_text("row d")
        os.utime(path, ns=(10**18, 10**18))
    import time

    time.sleep(0.05)  # past the tick of the file system's clock that `SLACK_NS` allows for
    with capture.start("runs", console=False) as run:
        run_code(work_dir)
        Path("unmentioned.csv").write_text("row m")
    assert b"out1.csv" not in b"".join(line for line in lines(run) if b'"kind":"file"' not in line)
    assert written(run) == {"out0.csv", "out1.csv", "out2.csv"}
    assert len(saved(run)) == 3  # without the script that AG2 makes of the code
    copies = [path for path in (run.path / "files").rglob("*.csv") if path.is_file()]
    assert len(copies) == len(list(run.path.rglob("*.csv"))) == 3


def lines(run: capture.Run) -> list[bytes]:
    """The lines of a run's journal."""
    return (run.path / "journal.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("where", [".", "..", "home", "temporary"])
def test_in_a_folder_where_others_work_only_a_name_tells(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The current folder, one that holds it, the home folder and that of temporary files are not the run's own."""
    places = {name: tmp_path / name for name in ("home", "temporary")}
    for place in places.values():
        place.mkdir()
    monkeypatch.setenv("HOME", str(places["home"]))
    monkeypatch.setattr("tempfile.tempdir", str(places["temporary"]))
    with capture.start("runs", console=False) as run:
        run_code(places.get(where, Path(where)), COMPUTED + "\nThat makes out1.csv.")
    assert written(run) == {"out1.csv"}


def test_runs_at_the_same_time_do_not_save_each_others_files() -> None:
    """Two threads, each with a run, whose executors share a folder: each has only what its journal names."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    together = Barrier(2, timeout=60)

    def one(number: int) -> capture.Run:
        with capture.start("runs", console=False) as run:
            run_code("coding", f"```python\nopen('out{number}.csv', 'w').write('row {number}')\n```")
            together.wait()
        return run

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, (1, 2))
    assert (written(first), written(second)) == ({"out1.csv"}, {"out2.csv"})


@pytest.mark.few
@pytest.mark.parametrize("case", ["at once", "one ends first", "through a link", "saves no files"])
def test_what_another_runs_code_makes_is_not_claimed(case: str, tmp_path: Path) -> None:
    """Two threads, each with a run and a folder of its own below the current one, in which both make `out1.csv`."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    together = Barrier(2, timeout=60)
    (tmp_path / "link").symlink_to(Path.cwd())
    top = tmp_path / "link" if case == "through a link" else Path()

    def one(number: int) -> capture.Run:
        files = case != "saves no files" or number == 2
        with capture.start("runs", console=False, files=files) as run:
            together.wait()
            run_code(top / f"w{number}", f"```python\nopen('out1.csv', 'w').write('row 1{number}')\n```")
            if number == 2 or case in ("at once", "through a link"):
                together.wait()
        if number == 1 and case not in ("at once", "through a link"):
            together.wait()  # the other goes on when this one is over
        return run

    for number in (1, 2):
        Path(f"w{number}").mkdir()
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(one, (1, 2)))
    made = [[(run.path / record["copy"]).read_text() for record in saved(run).values()] for run in runs]
    assert made == [["row 11"] if case != "saves no files" else [], ["row 12"]]


def test_a_folder_that_another_run_has_left_is_looked_into_again() -> None:
    """What a tool of the run writes there afterwards is the run's; what the other's code made before is not."""
    from threading import Event, Thread

    begun, left = Event(), Event()
    runs: list[capture.Run] = []

    def long() -> None:
        with capture.start("runs", run_id="long", console=False) as run:
            runs.append(run)
            begun.set()
            left.wait(60)
            time.sleep(0.05)  # beyond a tick of the file system's clock
            Path("coding/mine.csv").write_text("2")
            run.log("success", "theirs.csv and mine.csv")

    Path("coding").mkdir()
    thread = Thread(target=long)
    thread.start()
    begun.wait(60)
    with capture.start("runs", run_id="other", console=False):
        run_code("coding", "```python\nopen('theirs.csv', 'w').write('1')\n```")
    left.set()
    thread.join()
    assert set(saved(runs[0])) == {"coding/mine.csv"}


def test_a_run_around_has_the_files_of_those_inside() -> None:
    """Runs in threads of a run: each has what its own code made, and the one around all that its journal mentions."""
    from threading import Thread

    runs: list[capture.Run] = []

    def work(number: int) -> None:
        with capture.start("runs", run_id=f"in{number}", console=False) as run:
            runs.append(run)
            run_code(f"w{number}", "```python\nopen('out1.csv', 'w').write('row 1')\n```")

    with capture.start("runs", run_id="around", console=False) as around:
        for number in (1, 2):
            Path(f"w{number}").mkdir()
            thread = Thread(target=work, args=(number,))
            thread.start()
            thread.join()
        around.log("success", "out1.csv")
    assert [set(saved(run)) for run in runs] == [{"w1/out1.csv"}, {"w2/out1.csv"}]
    assert set(saved(around)) == {"w1/out1.csv", "w2/out1.csv"}


@pytest.mark.slow
def test_of_many_runs_that_end_not_all_folders_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that goes on for long knows some folders of the others; that in which it works itself is among them."""
    from threading import Event, Thread

    monkeypatch.setattr("capture.files.FOLDERS", 2)
    at_work, over = Event(), Event()
    runs: list[capture.Run] = []

    def work() -> None:
        with capture.start("runs", run_id="long", console=False) as run:
            runs.append(run)
            run_code("shared")
            at_work.set()
            over.wait(60)

    Path("shared").mkdir()
    thread = Thread(target=work)
    thread.start()
    at_work.wait(60)
    for folder in ("w0", "w1", "w2", "w3", "shared"):
        Path(folder).mkdir(exist_ok=True)
        with capture.start("runs", run_id=folder, console=False):
            run_code(folder, "```python\nprint(1)\n```")
    known = {folder.name for folder in runs[0].agents.shared}
    over.set()
    thread.join()
    assert known == {"w0", "w1", "shared"}
    assert written(runs[0]) == set()


def test_a_folder_inside_that_of_another_run_is_its_own() -> None:
    """One run works in a folder, another in one below it: each has what it made, and no more."""
    from threading import Event, Thread

    go = Event()
    runs: list[capture.Run] = []

    def work() -> None:
        go.wait(60)
        with capture.start("runs", run_id="lower", console=False) as run:
            runs.append(run)
            run_code("top/low", "```python\nopen('out1.csv', 'w').write('row 1')\n```")

    Path("top/low").mkdir(parents=True)
    thread = Thread(target=work)
    thread.start()  # before the run, so that it belongs to none
    with capture.start("runs", run_id="upper", console=False) as upper:
        run_code("top", "```python\nopen('out2.csv', 'w').write('row 2')\n```")
        go.set()
        thread.join()
    assert set(saved(runs[0])) == {"top/low/out1.csv"}
    assert set(saved(upper)) == {"top/out2.csv"}


def test_a_run_within_a_run_has_its_files() -> None:
    """A folder that the run around uses as well is still the inner run's own."""
    with capture.start("runs", console=False):
        run_code("coding", "```python\nprint(1)\n```")
        with capture.start("runs", console=False) as inner:
            run_code("coding")
    assert written(inner) == {"out0.csv", "out1.csv", "out2.csv"}


def test_files_that_were_mentioned_come_first() -> None:
    """Where not all can be saved, those that nobody mentioned are left out, and that is declared."""
    with capture.start("runs", console=False, files={"count": 1}) as run:
        run_code("coding", COMPUTED + "\nThat makes out2.csv.")
    assert written(run) == {"out2.csv"}
    assert [(gap["lost"], gap["reason"]) for gap in of_kind(journal(run), "gap")] == [(2, "more than 1 files")]


def test_two_files_of_one_name_have_two_copies(tmp_path: Path) -> None:
    """A copy never overwrites another."""
    from autogen import ConversableAgent

    with capture.start("runs", console=False) as run:
        for place in ("x", "y"):
            folder = tmp_path / place / "coding"
            folder.mkdir(parents=True)
            (folder / "out.txt").write_text(place)
            config = {"work_dir": str(folder), "use_docker": False}
            agent = ConversableAgent(place, llm_config=False, human_input_mode="NEVER", code_execution_config=config)
            agent.initiate_chat(agent, message="out.txt", max_turns=1)
    copies = {(run.path / record["copy"]).read_text() for record in saved(run).values()}
    assert copies == {"x", "y"}


@pytest.mark.slow
def test_ten_files_are_found_among_ten_thousand() -> None:
    """Many other new files do not hide the ones that were mentioned, nor count against the limits."""
    with capture.start("runs", files={"seconds": 600}) as run:
        Path("data").mkdir()
        for number in range(10_000):
            Path(f"data/noise_{number}.txt").touch()
        for number in range(10):
            Path(f"data/result_{number}.txt").write_text(str(number))
            run.log("success", f"data/result_{number}.txt")
    assert sorted(saved(run)) == [f"data/result_{number}.txt" for number in range(10)]
    assert of_kind(journal(run), "gap") == []


def test_limits_hold_and_are_declared() -> None:
    """Count, bytes and entries are bounded; what is left out is declared, and `files=False` turns it all off."""

    def run_with(files: capture.FileLimits | dict[str, int] | bool) -> capture.Run:
        with capture.start("runs", files=files) as run:
            for number in range(4):
                Path(f"f{number}.txt").write_text("x" * 100)
                run.log("success", f"f{number}.txt")
        return run

    few = run_with({"count": 3})
    assert len(saved(few)) == 3
    assert [(g["lost"], "3 files" in g["reason"]) for g in of_kind(journal(few), "gap")] == [(1, True)]
    small = run_with(capture.FileLimits(bytes=250))
    assert [f["copy"] is not None for f in saved(small).values()] == [True, True, False, False]
    hurried = run_with({"looked_at": 1})
    assert "folder entries" in of_kind(journal(hurried), "gap")[0]["reason"]
    assert not (run_with(False).path / "files").exists()


def test_a_name_inside_longer_words_is_no_mention() -> None:
    """However many words a name is a part of, only the whole word counts."""
    with capture.start("runs") as run:
        for name in ("a.txt", "b.txt"):
            Path(name).write_text(name)
        run.log("success", "parts", words=[f"data_{name}" for name in ("a.txt", "b.txt") for _ in range(200)])
        run.log("success", "see b.txt")
    assert saved(run).keys() == {"b.txt"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"seconds": 0.0}, "search for files ended early: more than 0.0 seconds"),
        ({"looked_at": 100}, "search for files ended early: more than 100 folder entries"),
        ({"seconds": 0.3}, "ended early: more than 0.3 seconds"),
    ],
)
def test_a_huge_folder_does_not_hold_up_the_end(limits: dict[str, float], reason: str) -> None:
    """With 3,000 new files, whose names need a search each, and a journal of 15 MB, `close` gives up where its bounds
    say so, declares it, and writes the run's end."""
    Path("data").mkdir()
    with capture.start("runs", files=limits) as run:
        for number in range(3000):
            Path(f"data/no mention of {number}.txt").touch()
        for _ in range(15):
            run.log("success", "noise", text="x y z " * 170_000)
    records = journal(run)
    assert [reason in gap["reason"] for gap in of_kind(records, "gap")] == [True]
    assert records[-1]["status"] == "completed"
    assert saved(run) == {}


def test_a_file_that_vanishes_or_is_unreadable_is_described() -> None:
    """What can't be read is named with the reason."""
    if os.geteuid() == 0 or sys.platform == "win32":
        pytest.skip("root reads everything")
    with capture.start("runs") as run:
        Path("x.txt").write_text("x")
        Path("x.txt").chmod(0)
        run.log("success", "x.txt")
    assert saved(run)["x.txt"]["reason"] == "Permission denied"


def test_a_file_that_vanishes_while_it_is_looked_for_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs remove their files when they like: the run's own are saved, and its end is written."""
    Path("gone.tmp").touch()
    real = os.scandir

    def scandir(folder: str) -> list["os.DirEntry[str]"]:
        entries = list(real(folder))
        Path("gone.tmp").unlink(missing_ok=True)
        return entries

    with capture.start("runs") as run:
        Path("made.txt").write_text("made")
        run.log("success", "made.txt and gone.tmp")
        monkeypatch.setattr(os, "scandir", scandir)
    assert not Path("gone.tmp").exists()
    assert saved(run).keys() == {"made.txt"}
    assert journal(run)[-1]["status"] == "completed"
