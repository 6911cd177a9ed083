"""What the code writes is what the schemas say; sessions are in test_tutorial.py."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemas
import session_files
import two_sockets

sys.path.insert(0, str(Path(__file__).parents[1] / "load"))
from scripted import good, serving

from pytest_numa import baseline, cli, evidence, history, host
from pytest_numa.load.workload import Workload

_TEXTS = {"kernel": "6.12.9"}


def entry(number: int, value: float) -> history.Entry:
    verdict = {"figure": "mean", "against": "pinned, this session", "outcome": "pass"}
    return history.Entry(
        when=f"2026-01-{number:02}T00:00:00+00:00",
        host="h",
        subject=session_files.SUBJECT,
        versions=_TEXTS,
        figures={"systemd": {"mean": [value, value + 0.1]}},
        verdicts=[{**verdict, "slowdown": 0.01, "interval": [0.0, 0.02], "blocks": 4}],
    )


@pytest.mark.parametrize("name", schemas.NAMES)
def test_each_is_a_schema_of_draft_2020_12(name: str) -> None:
    schema = schemas.read(name)

    jsonschema.Draft202012Validator.check_schema(schema)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """What a command prints as JSON."""

    def tell(*argv: object) -> Any:  # noqa: ANN401 - JSON
        cli.main([str(one) for one in argv])
        return json.loads(capsys.readouterr().out)

    return tell


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("topology", ["topology", "--json"]),
        ("audit", ["audit", "--json"]),
        ("gate-plan", ["gate", "plan", "--cv", "2", "--repetitions", "20", "--json"]),
        ("unit-list", ["unit", "list", "--json"]),
        ("placement", ["placement", str(os.getpid()), "--cpus", "0", "--json"]),
        ("placement", ["placement", "999999999", "--json"]),
    ],
    ids=" ".join,
)
def test_what_a_command_prints_is_described(
    told: Callable[..., Any], name: str, argv: Sequence[str]
) -> None:
    assert schemas.troubles(name, told(*argv)) == []


def test_the_topology_of_two_sockets_is_described(told: Callable[..., Any], tmp_path: Path) -> None:
    found = told("topology", "--json", "--root", two_sockets.build(tmp_path))

    assert len(found["devices"]) == 2
    assert schemas.troubles("topology", found) == []


def test_findings_about_a_unit_are_described(told: Callable[..., Any], tmp_path: Path) -> None:
    unit = tmp_path / "wrong.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nCPUAffinity=0\nAllowedCPUs=1\n")

    found = told("unit", "lint", unit, "--json")

    assert found["findings"]
    assert schemas.troubles("unit-lint", found) == []


def test_a_comparison_is_described(told: Callable[..., Any], tmp_path: Path) -> None:
    before = session_files.session(tmp_path / "before.json")
    now = session_files.session(tmp_path / "now.json", latency_s=1.2)

    found = told("gate", before, now, "--json")

    assert found["outcome"] == "fail"
    assert schemas.troubles("gate", found) == []


def test_a_line_of_the_history_is_described() -> None:
    assert schemas.troubles("history-line", json.loads(entry(1, 100.0).line)) == []


def test_series_with_a_change_are_described(told: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("otava", reason="needs the extra: pip install 'pytest-numa[history]'")
    path = tmp_path / "history.jsonl"
    for number in range(1, 25):
        value = (100.0 if number < 13 else 150.0) + number % 3
        history.append(path, entry(number, value))

    found = told("history", path, "--metric", "mean", "--json")

    assert found[0][0]["changes"]
    assert schemas.troubles("history", found) == []


def test_a_record_is_described(tmp_path: Path) -> None:
    about = baseline.Subject(facts=session_files.SUBJECT)
    session = baseline.RecordedSession(
        when="2026-01-01T00:00:00+00:00",
        host="h",
        versions=_TEXTS,
        blocks=[[replace(session_files.run(1.0), workload=Workload().as_document())]],
        evidence=[[{"elapsed_s": 1.0, "unknown": {}}]],
        fingerprint=asdict(host.read_identity(Path("/"))),
    )

    baseline.append(tmp_path / "record.json", about, session)

    found = json.loads((tmp_path / "record.json").read_text())
    assert schemas.troubles("baseline", found) == []


def test_all_that_may_be_counted_around_a_run_is_described() -> None:
    described = schemas.read("baseline")["$defs"]["evidence"]["properties"]

    assert set(described) == set(evidence.Change.__slots__)


def test_a_run_and_its_requests_are_described(tmp_path: Path) -> None:
    run, lines = tmp_path / "run.json", tmp_path / "requests.jsonl"
    with serving(good) as server:
        cli.main(
            ["bench", "--url", server.url, "--n-requests", "3", "--output-tokens", "2",
             "--max-ttft-ms", "1000", "--json", str(run), "--jsonl", str(lines)]
        )  # fmt: skip

    requests = [json.loads(line) for line in lines.read_text().splitlines()]

    assert schemas.troubles("run", json.loads(run.read_text())) == []
    assert [schemas.troubles("request", one) for one in requests] == [[], [], []]


def test_a_document_that_is_not_described_is_seen() -> None:
    found = json.loads(entry(1, 100.0).line)

    assert schemas.troubles("history-line", {**found, "more": 1})
    assert schemas.troubles("history-line", {**found, "when": 1})
