"""What a signal does to the command: it ends in order, with one line and the exit code that shells expect."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

SAID = "ingest: interrupted; the tables are whole, and the next ingest does the rest"


class StoppedError(BaseException):
    """A signal to stop. No `Exception`, so that nothing takes it for a fault of what it is just doing."""


def until_stopped(load: Callable[[], Callable[[], None]]) -> None:
    """Do a job in the main thread. A signal ends the process with 128 and its number, after all has been cleaned up.
    Those that come after it change nothing: `timeout` sends each twice, and people press Ctrl-C until it helps.

    Args:
        load: imports what the job needs, and gives the job. A signal that comes meanwhile is heard afterwards, because
            libraries that are half loaded end the process in ways of their own.
    """
    received: list[int] = []
    ours: list[int] = []
    loaded = False

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if loaded and len(received) == 1:
            raise StoppedError

    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, stop)
            ours.append(number)
    try:
        job = load()
        loaded = True
        if received:
            raise StoppedError
        job()
    except BaseException as error:
        # A library may have made another error of it.
        if not received and not loaded and isinstance(error, ImportError | MemoryError):
            what = str(error) or type(error).__name__  # as with too little memory
            print(" ".join(f"ingest: can't be loaded: {what}".split()), file=sys.stderr)
            sys.exit(2)
        if received:
            for number in ours:  # Python puts its own handlers back when it ends, but for what is ignored
                signal.signal(number, signal.SIG_IGN)
        if not received or (isinstance(error, SystemExit) and not error.code):
            raise
        print(SAID, file=sys.stderr)
        sys.exit(128 + received[0])
