"""LLM calls that failed, attempt by attempt: what was asked, and the exception with its words and traceback.

AG2 goes through its config list and asks one client after another. Of an attempt that failed it logs an error code at
most, and nothing of one that timed out or was interrupted. So `create` of its clients is watched. Any class may be
one, so their classes are known when `OpenAIWrapper.create` begins.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

from capture import active, encode, format
from capture.active import Scope
from capture.logger import create_here, record_in, write_call

METHOD = "create"


class Attempt:
    """One client being asked, until it is recorded.

    Attributes:
        request: what the client was given.
        error: the exception as fields of a record; None while there is none.
    """

    def __init__(self, call: "Create", scope: Scope, request: Any) -> None:
        self.request = request
        self.error: dict[str, str] | None = None
        self._call = call
        self._scope = scope
        self._begun = time.time_ns()
        self._ended: int | None = None
        scope.run.under_way.add(self)

    def claim(self) -> bool:
        """Whether it is the caller who is to record it: once, though a run may end while a call goes on."""
        try:
            self._scope.run.under_way.remove(self)
        except KeyError:
            return False
        return True

    def over(self, error: BaseException | None) -> None:
        """Takes note of how it ended."""
        self._ended = time.time_ns()
        if error is not None:
            self.error = encode.error_fields(error)

    def fail(self, error: BaseException | None) -> None:
        """Records it as failed, if nobody has recorded it yet.

        Args:
            error: why, where the client itself raised nothing; None where nobody knows.
        """
        if self.claim():
            why = self.error or (encode.error_fields(error) if error is not None else UNFINISHED)
            record_in(self._scope, self._call.write, self.request, why, self._begun, self._ended or time.time_ns())


UNFINISHED = {"type": format.UNFINISHED, "message": "the run ended before the call did", "traceback": ""}
"""In the place of an exception, for a call that the run did not wait for."""


class Create:
    """A call of `OpenAIWrapper.create`.

    Attributes:
        asking: whether a client is being asked; it may hand the request on to another one.
        latest: the latest attempt, until it is recorded.
        recorded: how many calls of it are recorded.
    """

    def __init__(self, wrapper: Any, config: dict[str, Any]) -> None:
        self.asking = False
        self.latest: Attempt | None = None
        self.recorded = 0
        self._wrapper = wrapper
        self._config = config
        self._begun = time.time_ns()

    def begin(self, request: Any) -> Attempt | None:
        """Takes note that a client is asked. Its attempt, or None where no run is on."""
        self.settle()
        scope = active.scope()
        self.latest = Attempt(self, scope, request) if scope is not None else None
        return self.latest

    def settle(self) -> None:
        """Records the latest attempt, if it failed and AG2 said nothing of it."""
        latest, self.latest = self.latest, None
        if latest is None:
            return
        if latest.error is None:
            latest.claim()
        else:
            self.recorded += 1
            latest.fail(None)

    def logged(self, request: Any) -> Attempt | None:
        """Takes note that AG2 logs a call. The attempt that this is, or None where that is none that is known of."""
        latest = self.latest
        if latest is not None and latest.request is request:
            self.latest = None
        else:
            self.settle()
            latest = None
        self.recorded += 1
        return latest

    def failed(self, error: BaseException) -> None:
        """Records what raised: the latest attempt, or the call as a whole where no client could be watched."""
        latest, self.latest = self.latest, None
        if latest is not None:
            latest.fail(error)
        elif not self.recorded:
            scope = active.scope()
            if scope is not None:
                why = encode.error_fields(error)
                record_in(scope, self.write, self._request(), why, self._begun, time.time_ns())

    def write(self, scope: Scope, request: Any, why: dict[str, str], begun: int, ended: int) -> None:
        """Writes the record of a call that failed."""
        call = {
            "invocation": None,
            "response": f"{why['type']}: {why['message']}",
            "error": why,
            "started": begun,
            "ended": ended,
        }
        request = request if isinstance(request, dict) else {}
        write_call(scope, self._config.get("agent"), id(self._wrapper), request, call, {})

    def _request(self) -> dict[str, Any]:
        """What the first client would have been asked."""
        settings: dict[str, Any] = next(iter(getattr(self._wrapper, "_config_list", [])), {})
        request = {**settings, **self._config}
        for name in getattr(self._wrapper, "extra_kwargs", ()):
            request.pop(name, None)
        return request


def create(before: Callable[..., Any], watch: Callable[[type], None]) -> Callable[..., Any]:
    """What takes the place of `OpenAIWrapper.create`.

    Args:
        before: what was there.
        watch: takes a class of clients whose `create` is to be watched.
    """

    @functools.wraps(before)
    def create(self: Any, **config: Any) -> Any:
        if not active.any_run():
            return before(self, **config)
        for kind in {type(client) for client in getattr(self, "_clients", ())}:
            watch(kind)
        call = Create(self, config)
        token = create_here.set(call)
        try:
            response = before(self, **config)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            create_here.reset(token)
        call.settle()
        return response

    return create


def by_client(before: Callable[..., Any]) -> Callable[..., Any]:
    """What takes the place of a client's `create`."""

    @functools.wraps(before)
    def create(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = create_here.get()
        attempt = None
        if call is not None and not call.asking:
            attempt = call.begin(args[0] if args else kwargs.get("params"))
        if attempt is None:
            return before(self, *args, **kwargs)
        call.asking = True
        try:
            response = before(self, *args, **kwargs)
        except BaseException as error:
            attempt.over(error)
            raise
        finally:
            call.asking = False
        attempt.over(None)
        return response

    return create
