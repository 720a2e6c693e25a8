"""The journal file: whole lines, in order, in the kernel before the call returns, and losses that are declared.

Nothing here raises into the caller, whatever happens to the disk, the folder or the file descriptor. What can't be
written is counted, and a `gap` record says so as soon as writing works again.
"""

import errno
import logging
import os
import threading
import weakref
from pathlib import Path
from time import time_ns
from typing import Final

from capture import descriptor, encode, format
from capture.mask import Mask

log = logging.getLogger("capture")

CHECK_NS: Final = 20_000_000
"""How often to look whether the file is still there: a write to a deleted file succeeds, and says nothing."""


_holders: "weakref.WeakValueDictionary[int, Journal]" = weakref.WeakValueDictionary()
"""Which journal has which descriptor."""


class Journal:
    """One run's journal, open for appending.

    Args:
        path: the file; its folder is made with it.
        first: body of the first record, which every file begins with: also one that is made anew.
        mode: permissions of folders that are made; files get those of them that make sense for a file.
        fsync: `never`, `close` or `always`.
        max_record: bytes; a larger record is cut.
        mask: what masks secrets, or None.
    """

    def __init__(
        self,
        path: Path,
        first: bytes,
        *,
        mode: int = 0o700,
        fsync: str = "close",
        max_record: int = 64 << 20,
        mask: Mask | None = None,
    ) -> None:
        self.path = path
        self.lost = 0
        self._mode = mode
        self._fsync = fsync
        self._fsync_each = fsync == "always"
        self._mask = mask
        self.max_record = max_record
        self._lock = threading.RLock()
        self._fd = -1
        self._file: tuple[int, int] | None = None
        self._taken = False
        # next number, bytes in the file, and the line being written: one value, so that no signal finds half of it
        self._at: tuple[int, int, bytes] = (0, 0, b"")
        self._check_at = 0
        self._undeclared = 0
        self._reason = ""
        self._torn = False
        self._writing = False
        self._waiting: list[bytes] = []
        if mask is not None:
            first = mask.record(first)
        self._first = b'{"v":1,"seq":0,"ts":%d,%b}\n' % (time_ns(), first)
        self._warned = False
        self._done = False
        self.begun = 0
        """How many files were begun: a second one where the first was deleted."""

    @property
    def records(self) -> int:
        """Records in the file."""
        return self._at[0]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._at[1]

    def append(self, body: bytes, value: bytes = b"") -> int | None:
        """Writes a record.

        Args:
            body: the fields after `ts`, as JSON without the braces.
            value: what follows it. A long value that is given apart is copied once less.

        Returns:
            The record's `seq`, or None where it could not be written (now).
        """
        if self._mask is not None:
            body, value = self._mask.record(body + value), b""
        if len(body) + len(value) > self.max_record:
            body, value = encode.cut(body + value, self.max_record), b""
        with self._lock:
            if self._writing:
                # a signal handler or finalizer that runs inside a write and itself writes: after the one under way
                self._waiting.append(body + value)
                return None
            self._writing = True
            try:
                now = time_ns()
                if (now > self._check_at or self._at[2]) and not self._ready(now):
                    return None
                return self._write(body, value, now)
            finally:
                self._writing = False
                if self._waiting:
                    self._append_waiting()

    def miss(self, reason: str) -> None:
        """Counts a record that could not even be made."""
        with self._lock:
            self._reason = reason
            self._missed(None)
            self._warn(reason)

    def open(self) -> None:
        """Makes the file, or finds that it can't be made: then later records try again.

        Raises:
            FileExistsError: another run has it.
        """
        with self._lock:
            try:
                self._open()
            except OSError as error:
                if self._taken:
                    raise
                self._reason = str(error)
                self._warn(error)

    def look(self) -> int:
        """Makes the file anew where it was deleted, and returns `begun`."""
        with self._lock:
            if not self._writing and not self._done:
                self._present()
                self._check_at = time_ns() + CHECK_NS
            return self.begun

    def check(self) -> None:
        """Makes the next append look whether the file is still there."""
        self._check_at = 0

    def close(self) -> None:
        """Ends it: nothing is written any more, and the lock is gone."""
        with self._lock:
            self._done = True
            self._check_at = 0
            if not self._is_held():
                return
            try:
                if self._fsync != "never":
                    os.fsync(self._fd)
                os.close(self._fd)
            except OSError as error:
                self._warn(error)
            self._fd = -1

    def abandon(self) -> None:
        """Forgets the file without a word, in a forked child: the journal is the parent's."""
        self._lock = threading.RLock()
        self._done = True
        self._check_at = 0
        if self._is_held():
            try:
                os.close(self._fd)
            except OSError:
                pass
            self._fd = -1

    def _append_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for body in waiting:
            self.append(body)

    def _ready(self, now: int) -> bool:
        """Looks after the file and declares what was lost before; False where the next record is lost too."""
        if now > self._check_at:
            self._check_at = now + CHECK_NS
            if self._done or not self._present():
                self._missed(None)
                return False
        if self._at[2]:
            self._settle()
        if self._undeclared and not self._declare(now):
            self._missed(None)
            return False
        return True

    def _write(self, body: bytes, value: bytes, now: int) -> int | None:
        """One line, and its number; None where it failed, which is counted.

        A signal handler may raise at any point. What the file holds then is settled before the next line is written.
        """
        seq, size, _ = self._at
        line = b'{"v":1,"seq":%d,"ts":%d,%b%b}\n' % (seq, now, body, value)
        if self._torn:
            line = b"\n" + line
        self._at = (seq, size, line)
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                self._finish(line, size)
                written = len(line)
        except OSError as error:
            return self._failed(error, body + value, now)
        self._at = (seq + 1, size + written, b"")
        self._torn = False
        if self._fsync_each:
            self._sync()
        return seq

    def _failed(self, error: OSError, body: bytes, now: int) -> int | None:
        if error.errno == errno.EBADF:
            # somebody closed the descriptor; the file is as good as before
            self._at = (*self._at[:2], b"")
            self._fd = -1
            if self._present():
                return self._write(body, b"", now)
            self._missed(None)
        else:
            self._tear(error)
        return None

    def _tear(self, error: OSError) -> None:
        """Leaves a line that can't be finished as it is."""
        seq, size, _ = self._at
        grown = self._grown(size)
        self._torn = self._torn or grown > 0
        self._at = (seq, size + grown, b"")
        self._missed(error)

    def _settle(self) -> None:
        """Finishes a line whose writing was interrupted, if any of it is in the file; else it is lost.

        This may be interrupted as well: the line is forgotten only when all is done.
        """
        seq, size, line = self._at
        if self._grown(size) <= 0:
            self._reason = "writing was interrupted"
            self._missed(None)
            self._at = (seq, size, b"")
            return
        try:
            self._finish(line, size)
        except OSError as error:
            self._tear(error)
            return
        self._at = (seq + 1, size + len(line), b"")
        self._torn = False

    def _finish(self, line: bytes, size: int) -> None:
        """The rest of a line of which the kernel took only a part; the file had `size` bytes before it."""
        while (left := len(line) - self._grown(size)) > 0:
            os.write(self._fd, line[-left:])

    def _grown(self, size: int) -> int:
        """Bytes by which the file is longer than that."""
        try:
            return os.fstat(self._fd).st_size - size
        except OSError:
            return 0

    def _missed(self, error: OSError | None) -> None:
        self.lost += 1
        self._undeclared += 1
        self._check_at = 0  # the next record is to say so first
        if error is not None:
            self._reason = str(error)
            self._warn(error)

    def _declare(self, now: int) -> bool:
        """Writes the `gap` record for what was lost so far."""
        lost, self._undeclared = self._undeclared, 0
        fields, _ = encode.to_json({"kind": format.GAP, "lost": lost, "reason": self._reason})
        before = self.lost
        if self._write(fields[1:-1], b"", now) is None:
            self._undeclared, self.lost = lost, before
            self._check_at = 0
            return False
        return True

    def _present(self) -> bool:
        """Whether the file is there to be written to; opens or makes it where it is not."""
        if self._is_held():
            try:
                there = os.fstat(self._fd)
                if there.st_nlink:
                    self._look_at_size(there.st_size)
                    return True
                os.close(self._fd)
            except OSError:
                pass
            self._fd = -1
        try:
            self._open()
        except OSError as error:
            self._reason = str(error)
            self._warn(error)
            return False
        return True

    def _look_at_size(self, there: int) -> None:
        """Declares what somebody cut off the file. How many records that was nobody knows."""
        seq, size, unsettled = self._at
        if there < size and not unsettled:
            self._at = (seq, there, b"")
            self._torn = True
            self._gone(1, f"somebody cut the journal from {size} to {there} bytes: one record or more")

    def _is_held(self) -> bool:
        """Whether the descriptor is still this file's: code that closes what is not its own frees it for others."""
        if self._fd < 0:
            return False
        try:
            there = os.fstat(self._fd)
        except OSError:
            self._fd = -1
            return False
        if (there.st_dev, there.st_ino) != self._file:
            self._fd = -1
        return self._fd >= 0

    def _open(self) -> None:
        self.path.parent.parent.mkdir(parents=True, exist_ok=True)
        descriptor.make_folder(self.path.parent, self._mode)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        new = self._file is None  # then nobody else may have it: two runs of one name would overwrite each other
        try:
            fd = os.open(self.path, flags | os.O_EXCL if new else flags, self._mode & 0o666)
        except FileExistsError:
            self._taken = True
            raise
        self._fd = descriptor.out_of_the_way(fd)
        earlier = _holders.get(self._fd)
        if earlier is not None and earlier is not self and earlier._fd == self._fd:
            earlier._fd = -1  # somebody closed it there
        _holders[self._fd] = self
        descriptor.lock(self._fd, self.path)
        there = os.fstat(self._fd)
        before, self._file = self._file, (there.st_dev, there.st_ino)
        seq, size = self._at[0], there.st_size
        if size == 0:
            descriptor.allow(self._fd, self._mode)
        if size == 0 or seq == 0:
            self._begin()
            if self._fsync_each:
                self._sync()
                descriptor.sync_folder(self.path.parent)
            return
        self._at = (seq, size, b"")
        if self._file != before:
            self._torn = True  # who knows how it ends
            self._gone(seq, "somebody replaced the journal by another file")

    def _begin(self) -> None:
        """Writes the first record into a file that is new, or holds no more than a part of that record."""
        gone = self._at[0] - 1
        self._at = (0, 0, b"")
        self._torn = False
        try:
            os.ftruncate(self._fd, 0)
            self._finish(self._first, 0)
        except OSError:
            os.close(self._fd)
            self._fd = -1
            raise
        self._at = (1, len(self._first), b"")
        self.begun += 1
        if gone > 0:
            self._gone(gone, "the journal was deleted")

    def _gone(self, records: int, reason: str) -> None:
        """Counts records that were in the file."""
        self.lost += records
        self._undeclared += records
        self._check_at = 0
        self._reason = reason
        self._warn(reason)

    def _sync(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError | str) -> None:
        """Says once that records are being lost."""
        if self._warned:
            return
        self._warned = True
        log.warning("capture: records of %s are lost: %s; the agents go on, and the loss is counted", self.path, error)
