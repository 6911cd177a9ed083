"""Plain HTTP/1.1: one thread, and the kernel's stamps where there are any."""

import contextlib
import socket
from array import array
from collections.abc import Iterator, Sequence

import httpx

from pytest_numa.load import clock, connection
from pytest_numa.load.engine import MOST_CONNECT_S, Engine, OnTick
from pytest_numa.load.exchange import Exchange
from pytest_numa.load.prepared import Prepared
from pytest_numa.load.prompts import Prompt
from pytest_numa.load.results import RequestResult
from pytest_numa.load.schedule import Schedule
from pytest_numa.load.target import Target
from pytest_numa.load.transport import Transport, wire
from pytest_numa.load.workload import Workload


class Plain:
    """Offers requests to a server that is spoken to directly."""

    def __init__(self, target: Target, workload: Workload) -> None:
        self._workload = workload
        self._engine: Engine | None = None
        self._target = target
        self._prepared: Prepared[bytes] | None = None
        self._is_stopped = False
        self.clock = "client"
        self.lag_s: Sequence[float] = ()

    @property
    def reconnected(self) -> int:
        """Requests that were sent once more."""
        return self._engine.reconnected if self._engine else 0

    @property
    def is_stopped(self) -> bool:
        """Whether the run was ended early."""
        return self._is_stopped

    @property
    def wake_descriptor(self) -> int:
        """Something to write to, to have a signal seen; -1 before there is one."""
        return self._engine.poller.wake_descriptor if self._engine else -1

    def stop(self) -> None:
        """End early; also from a signal handler."""
        self._is_stopped = True
        if self._engine is not None:
            self._engine.stop()

    def connect(self, prompts: Sequence[Prompt]) -> str:
        """Open the connections, and find the model: the one given, else the server's first.

        Where nobody answers, the requests find that out for themselves, each counted as failed.
        """
        workload = self._workload
        timeout_s = min(workload.timeout_s, MOST_CONNECT_S)
        found = connection.addresses(self._target)
        address = connection.first_that_answers(found, timeout_s) or (found or [_NOWHERE])[0]
        engine = Engine(address, timeout_s=workload.timeout_s, is_streaming=workload.is_streaming)
        self._engine = engine
        client = httpx.Client(
            base_url=self._target.base_url,
            headers=self._target.all_headers,
            transport=Transport(engine),
            trust_env=False,
        )
        engine.open_ahead(workload.concurrency)
        model = workload.model
        with contextlib.suppress(httpx.HTTPError):
            response = client.get("/v1/models")
            # Whether there are stamps is seen, not asked: not every kernel and socket has them.
            self.clock = "kernel" if response.extensions["arrived"][0] else "client"
            model = model or first_model(response)
        template = client.build_request(
            "POST", workload.path, content=b"", headers={"Content-Type": "application/json"}
        )
        self._prepared = Prepared(
            model or "default", prompts, lambda body, name: wire(template, body=body, name=name)
        )
        return model or "default"

    def prepare(self, workload: Workload, run_id: str, numbers: Iterator[int]) -> None:
        """Build the requests that come next, before their clock starts."""
        if self._prepared is not None:
            self._prepared.begin(workload, run_id, numbers)

    def run(
        self,
        schedule: Schedule,
        *,
        slots: int | None,
        spacing_s: float = 0.0,
        on_tick: OnTick | None = None,
    ) -> list[RequestResult]:
        """Offer all that is scheduled, in the order that was prepared."""
        engine, prepared = self._engine, self._prepared
        if engine is None or prepared is None or self._is_stopped:
            return []
        engine.reconnected = 0
        engine.poller.late_s.clear()
        offset_ns = clock.offset_ns()
        ended = engine.run(schedule, prepared, slots=slots, spacing_s=spacing_s, on_tick=on_tick)
        if not clock.is_same(offset_ns, clock.offset_ns()):
            # Somebody has set the time: these stamps are of two clocks.
            self.clock = "client"
        self._note_lag(ended, offset_ns)
        return [self._result(one, offset_ns) for one in ended]

    def _note_lag(self, ended: Sequence[Exchange], offset_ns: int) -> None:
        """How long what arrived waited for us; without stamps, how late we woke."""
        if self.clock != "kernel" or self._engine is None:
            self.lag_s = tuple(self._engine.poller.late_s) if self._engine else ()
            return
        found = array("d")
        for one in ended:
            pairs = [*zip(one.stamps_ns, one.handled_s, strict=True), one.ended_at]
            found.extend(
                handled_s - (stamp_ns - offset_ns) / 1e9
                for stamp_ns, handled_s in pairs
                if stamp_ns
            )
        self.lag_s = found

    def _result(self, one: Exchange, offset_ns: int) -> RequestResult:
        def at_s(stamp_ns: int, handled_s: float) -> float:
            is_kernels = stamp_ns and self.clock == "kernel"
            return (stamp_ns - offset_ns) / 1e9 if is_kernels else handled_s

        handed_at_s = one.begun_at_s if one.sent_at_s is None else one.sent_at_s
        return RequestResult(
            number=one.number,
            sent_at_s=handed_at_s if one.due_s is None else one.due_s,
            handed_at_s=one.sent_at_s,
            ended_at_s=max(at_s(*one.ended_at), handed_at_s),
            text_at_s=array("d", map(at_s, one.stamps_ns, one.handled_s)),
            output_tokens=one.tokens,
            is_counted_by_usage=one.is_counted_by_usage,
            failure=one.failure,
        )


# The address of a name that nobody knows: every connection to it fails.
_NOWHERE = connection.Address(family=socket.AF_UNIX, place="")


def first_model(response: httpx.Response) -> str | None:
    """The first name in an answer to /v1/models."""
    try:
        return str(response.json()["data"][0]["id"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None
