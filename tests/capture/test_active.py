"""Which run a call belongs to: the one it was started from, through threads, pools and tasks."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import capture
from tests.capture.agents import talker
from tests.capture.recorded import Record, journal, of_kind


def say(text: str) -> None:
    """A message from one agent to another."""
    talker("a").initiate_chat(talker("b"), message=text, max_turns=1)


def said(run: capture.Run) -> dict[str, Record]:
    """What was said in a run: text to record."""
    found = [r for r in of_kind(journal(run), "event") if r["event"]["type"] == "text"]
    return {r["event"]["content"]["content"]: r for r in found if r["event"]["content"]["content"] != "hello"}


def test_a_thread_belongs_to_the_run_it_was_started_from() -> None:
    """Two runs at once, each with a thread that a tool might start: records are in the right one, with their step."""
    ready = threading.Barrier(2)

    def work(name: str) -> None:
        with capture.start("runs", run_id=name, console=False) as run, run.step(f"step {name}"):
            ready.wait()
            thread = threading.Thread(target=say, args=(f"from {name}",))
            thread.start()
            thread.join()
            ready.wait()

    outer = [threading.Thread(target=work, args=(name,)) for name in ("x", "y")]
    for thread in outer:
        thread.start()
    for thread in outer:
        thread.join()
    from pathlib import Path

    for name in ("x", "y"):
        records = [r for r in journal(Path("runs") / name) if r["kind"] == "event" and "from" in str(r["event"])]
        assert [r["event"]["content"]["content"] for r in records] == [f"from {name}"]
        assert records[0]["step_id"] == f"step {name}"
        assert records[0]["thread"] > 0
        assert "attributed" not in records[0]


def test_a_pool_worker_belongs_to_the_run_whose_call_it_does() -> None:
    """One worker thread that does calls for two runs in turn: each call is in its own run's journal."""
    with ThreadPoolExecutor(1) as pool:

        async def work(name: str) -> capture.Run:
            async with capture.start("runs", run_id=name, console=False) as run:
                for number in range(5):
                    await asyncio.get_running_loop().run_in_executor(pool, say, f"{name} {number}")
                return run

        async def main() -> list[capture.Run]:
            return await asyncio.gather(work("x"), work("y"))

        runs = asyncio.run(main())
    for run in runs:
        assert list(said(run)) == [f"{run.id} {number}" for number in range(5)]
        assert not any("attributed" in record for record in said(run).values())


def test_a_child_task_belongs_to_the_run_of_its_parent() -> None:
    """Tasks made inside a run, and threads made with `to_thread`, record into it."""

    async def main() -> capture.Run:
        async with capture.start("runs", console=False) as run:
            task = asyncio.create_task(asyncio.to_thread(say, "in a thread"))
            await task
            await asyncio.gather(talker("a").a_initiate_chat(talker("b"), message="in a task", max_turns=1))
            return run

    assert list(said(asyncio.run(main()))) == ["in a thread", "in a task"]


def test_what_can_not_be_attributed_is_recorded_as_such() -> None:
    """A thread that was there before the run belongs to nobody; what it does is recorded, and marked."""
    go, done = threading.Event(), threading.Event()

    def wait() -> None:
        go.wait()
        say("stray")
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    with capture.start("runs", console=False) as run:
        say("own")
        go.set()
        done.wait()
    thread.join()
    found = said(run)
    assert found["stray"]["attributed"] is False
    assert "attributed" not in found["own"]


def test_a_thread_that_outlives_its_run_is_not_recorded() -> None:
    """After the run has ended, its threads go on unrecorded, and count as no loss."""
    go = threading.Event()

    def wait() -> None:
        go.wait()
        say("late")

    with capture.start("runs", console=False) as run:
        thread = threading.Thread(target=wait)
        thread.start()
    go.set()
    thread.join()
    assert said(run) == {}
    assert run.stats()["lost"] == 0


def test_a_run_inside_a_thread_of_a_run_is_its_own() -> None:
    """A thread that starts a run of its own records there, and into the outer run before and after; the outer's end
    does not end it."""
    inside, over = threading.Event(), threading.Event()
    inner: list[capture.Run] = []

    def work() -> None:
        say("before")
        with capture.start("runs", console=False) as run:
            inner.append(run)
            say("inside")
            inside.set()
            over.wait()
            say("still inside")

    with capture.start("runs", console=False) as outer:
        thread = threading.Thread(target=work)
        thread.start()
        inside.wait()
    over.set()
    thread.join()
    assert list(said(outer)) == ["before"]
    assert list(said(inner[0])) == ["inside", "still inside"]


def test_steps_of_tasks_do_not_mix() -> None:
    """Two tasks of one run, each in its own step: each record carries its own."""

    async def work(run: capture.Run, name: str) -> None:
        async with run.step(name):
            for _ in range(3):
                await asyncio.sleep(0)
                run.log("success", name)

    async def main() -> capture.Run:
        async with capture.start("runs") as run:
            await asyncio.gather(work(run, "x"), work(run, "y"))
            return run

    actions = of_kind(journal(asyncio.run(main())), "action")
    assert len(actions) == 6
    assert all(a["step_id"] == a["action_name"] for a in actions)


def test_a_later_thread_with_the_same_identifier_is_another_one() -> None:
    """A run outlives the thread that started it: a thread that gets its identifier is not in it, and ends it not."""
    started: list[capture.Run] = []
    first = threading.Thread(target=lambda: started.append(capture.start("runs", console=False)))
    first.start()
    first.join()
    seen: list[capture.Run | None] = []

    def later() -> None:
        if threading.get_ident() == first.ident and not seen:
            seen.append(capture.current())
            with capture.start("runs", console=False):
                pass

    for _ in range(1000):
        thread = threading.Thread(target=later)
        thread.start()
        thread.join()
        if seen:
            break
    assert seen == [None]
    assert started[0].is_open
    started[0].close()


def test_a_worker_that_a_run_made_does_not_bring_it_to_others_calls() -> None:
    """A call from a thread of no run, done by a pool worker that was started in a run, is not attributed to it."""
    done: list[Record] = []

    def stranger(pool: ThreadPoolExecutor) -> None:
        pool.submit(say, "from nobody").result()

    outside = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = threading.Thread(target=lambda: outside.wait() and stranger(pool))
        waiting.start()  # before the run, so that it belongs to none
        with capture.start("runs", console=False) as run:
            pool.submit(say, "from the run").result()
            outside.set()
            waiting.join()
        done += said(run).values()
    assert [r.get("attributed", True) for r in done] == [True, False]


class Guarded(threading.Thread):
    """A thread that takes no attributes it does not know."""

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_capture"):
            raise AttributeError(name)
        super().__setattr__(name, value)


def test_a_thread_that_takes_no_mark_starts_all_the_same() -> None:
    """A user's thread class that refuses the recorder's mark runs as it does without it."""
    ran: list[int] = []
    with capture.start("runs"):
        thread = Guarded(target=ran.append, args=(1,))
        thread.start()
        thread.join()
    assert ran == [1]
