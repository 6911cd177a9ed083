"""The peer: httpx.AsyncClient, a task per request in flight, aiter_lines, a stamp per line.

``python httpx_as_it_comes.py`` reads a job from standard input and writes what it saw as JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

Seen = dict[str, Any]


async def _one(client: httpx.AsyncClient, body: dict[str, Any]) -> Seen:
    text_at_s: list[float] = []
    sent_at_s = time.perf_counter()
    async with client.stream("POST", "/v1/completions", json=body) as response:
        async for line in response.aiter_lines():
            at_s = time.perf_counter()
            if not line.startswith("data: ") or line == "data: [DONE]":
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0].get("text"):
                text_at_s.append(at_s)
    return {"key": body["prompt"][:31], "sent_at_s": sent_at_s, "text_at_s": text_at_s}


async def _slot(
    client: httpx.AsyncClient, bodies: Iterator[dict[str, Any]], wait_s: float, seen: list[Seen]
) -> None:
    await asyncio.sleep(wait_s)
    for body in bodies:
        seen.append(await _one(client, body))  # noqa: PERF401 - kept as they end


async def _run(job: dict[str, Any]) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=None)
    seen: list[Seen] = []
    async with httpx.AsyncClient(base_url=job["url"], timeout=120, limits=limits) as client:
        # So that connections are open and no import is in the figures.
        warm = [_one(client, body) for body in job["bodies"][: job["concurrency"]]]
        await asyncio.gather(*warm)
        bodies = iter(job["bodies"][job["concurrency"] :])
        cpu_s, begun_s = time.process_time(), time.perf_counter()
        slots = [
            _slot(client, bodies, job["spacing_s"] * order, seen)
            for order in range(job["concurrency"])
        ]
        await asyncio.gather(*slots)
        used_s = time.process_time() - cpu_s
    return {"requests": seen, "cpu_s": used_s, "duration_s": time.perf_counter() - begun_s}


def main() -> None:
    """Run one job."""
    job = json.load(sys.stdin)
    os.sched_setaffinity(0, {job["cpu"]})
    json.dump(asyncio.run(_run(job)), sys.stdout)


if __name__ == "__main__":
    main()
