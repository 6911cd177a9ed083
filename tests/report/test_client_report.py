"""The report for two readers: its risk by the stated rules, its figures those of the session."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import session_files
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa import cli, session_file
from pytest_numa.report.client import facts, report, risk

EFFECT = {
    "label": "throughput",
    "slowdown": -0.125,
    "interval": [-0.2, -0.05],
    "sentence": "12.5% faster",
}
PROCESS = {
    "pid": 7,
    "comm": "server",
    "role": "all",
    "threads": 3,
    "allowed_cpus": "0-3",
    "bytes_by_node": {"0": 2**30},
    "last_cpus": {"0": 3},
    "ran_on": {"0": 3},
}
FINDING = {"subject": "a", "expected": "b", "found": "c", "cause": "d", "fix": "e"}
CHECK = {
    "id": "N4",
    "name": "governor",
    "status": "pass",
    "wanted": "performance",
    "found": "performance",
    "risk": "latency jitters",
    "fix": None,
}
AUDIT = {"summary": {"pass": 1, "fail": 0, "skip": 0, "unknown": 0}, "checks": [CHECK]}
# Of the trade; a client need not know them.
JARGON = re.compile(
    r"\\b(NUMA|nodes?|threads?|pages?|cgroups?|CPUs?|governors?|kernel|systemd|p99|tokens?|TTFT|ITL|"
    r"pinn?ed|unpinned|latency|throughput|interval|verdict|baseline)\\b",
    re.IGNORECASE,
)


def verdict(outcome: str = "pass", against: str = "record", **changes: object) -> dict[str, Any]:
    return {
        "figure": "tokens_per_s",
        "label": "throughput",
        "unit": "tokens/s",
        "against": against,
        "margin": 0.05,
        "limit": None,
        "outcome": outcome,
        "advice": "",
        "slowdown": 0.0123,
        "interval": [-0.0345, 0.0456],
        "blocks": 6,
        "blocks_needed": 6,
        "sentence": "1.2% slower",
    } | changes


def run(findings: list[Any] | None = None, placed: str = "pass") -> dict[str, Any]:
    return {
        "mode": "systemd",
        "block": 1,
        "run": 1,
        "findings": findings or [],
        "placement": {"verdict": placed, "processes": [PROCESS], "watch": None},
    }


def session(path: Path, **changes: object) -> dict[str, Any]:
    """A session without a fault, as --numa-json writes it, changed where asked."""
    base: dict[str, Any] = {
        "host": "a-host",
        "verdicts": [verdict(), verdict(against="pinned")],
        "runs": [run()],
        "figures": {},
        "evidence": {"note": "", "rows": []},
        "effect_of_pinning": {"tokens_per_s": EFFECT},
        "host_drift": {},
        "outcome": [],
    }
    session_files.session(path / "session.json", **(base | changes))
    return session_file.document(path / "session.json")


def client_view(text: str) -> str:
    return text[text.index("## Part 2") :]


def made(document: Mapping[str, Any], audit: Mapping[str, Any] | None = AUDIT) -> str:
    return report.as_markdown(facts.of(document, audit, ()))


@pytest.mark.parametrize(
    ("changes", "audit", "level", "reason"),
    [
        ({}, AUDIT, "low", "nothing was found"),
        ({"runs": [run([FINDING], "fail")]}, AUDIT, "high", "1 part of the service not where"),
        ({"verdicts": [verdict("fail")]}, AUDIT, "high", "slower than is accepted in 1 comparison"),
        ({"verdicts": [verdict("inconclusive")]}, AUDIT, "medium", "not decided in 1 comparison"),
        ({"verdicts": [verdict(against="pinned")]}, AUDIT, "medium", "not held against"),
        ({"verdicts": []}, AUDIT, "medium", "nothing was asked of the speed"),
        ({"verdicts": [verdict("advisory")]}, AUDIT, "medium", "nothing was asked of the speed"),
        ({"runs": [run(placed="unknown")]}, AUDIT, "medium", "it is not proven"),
        ({"runs": []}, AUDIT, "medium", "it is not proven"),
        ({"host_drift": {"mean": {**EFFECT, "outcome": "fail"}}}, AUDIT, "medium", "itself is"),
        ({}, None, "medium", "the machine was not examined"),
        ({}, {**AUDIT, "checks": [{**CHECK, "status": "fail"}]}, "medium", "1 fault found"),
    ],
)  # fmt: skip
def test_the_risk_follows_the_stated_rules(
    tmp_path: Path,
    changes: dict[str, object],
    audit: dict[str, Any] | None,
    level: str,
    reason: str,
) -> None:
    found = risk.assess(facts.of(session(tmp_path, **changes), audit, ()))

    assert found.level == level
    assert any(reason in one for one in found.reasons), found.reasons


def test_a_failed_request_is_a_high_risk(tmp_path: Path) -> None:
    document = session(tmp_path)
    document["modes"]["systemd"][0][0]["failed"] = 1

    found = risk.assess(facts.of(document, AUDIT, ()))

    assert (found.level, found.reasons) == ("high", ("1 of 7 requests failed",))


def test_every_percentage_is_one_of_the_sessions(tmp_path: Path) -> None:
    document = session(tmp_path, host_drift={"tokens_per_s": {**EFFECT, "outcome": "fail"}})
    known = {
        f"{abs(value):.1%}"
        for one in (*document["verdicts"], EFFECT)
        for value in (one["slowdown"], *one["interval"])
    }

    shown = set(re.findall(r"[0-9.]+%", client_view(made(document))))

    assert shown == known


def test_the_client_reads_no_word_of_the_trade(tmp_path: Path) -> None:
    ill = {
        "summary": {"fail": 26},
        "checks": [{**CHECK, "id": f"N{n}", "status": "fail"} for n in range(1, 27)],
    }
    verdicts = [verdict(outcome) for outcome in ("fail", "inconclusive", "pass")]
    changes = [
        {"condition": name, "mode": "systemd", "figure": "tokens_per_s", "as_it_is": 1.0,
         "under": 1.0, "slowdown": 0.5, "interval": [0.1, 0.9]}
        for name in ("neighbour same", "neighbour other")
    ]  # fmt: skip

    text = made(
        session(
            tmp_path, verdicts=verdicts, conditions={"changes": changes}, runs=[run([FINDING])]
        ),
        ill,
    )

    assert JARGON.findall(client_view(text)) == []


def test_what_was_not_measured_is_said_to_be_so(tmp_path: Path) -> None:
    text = client_view(made(session(tmp_path, effect_of_pinning={})))

    assert "| Give the service a fixed part of the machine | not measured" in text
    assert "| Keep other heavy work off the machine        | not measured" in text


def test_of_too_few_measurements_no_figure_is_told(tmp_path: Path) -> None:
    few = verdict("inconclusive", slowdown=1.35, interval=None)
    effect = {**EFFECT, "interval": None}

    text = client_view(
        made(session(tmp_path, verdicts=[few], effect_of_pinning={"tokens_per_s": effect}))
    )

    assert "%" not in text
    assert text.count("too few measurements to say how much") == 2
    assert "vary too much" not in text
    assert "| What a fixed place brings was measured            | no " in text


def test_an_old_file_says_what_it_does_not_tell(tmp_path: Path) -> None:
    session_files.session(tmp_path / "old.json")

    text = made(session_file.document(tmp_path / "old.json"))

    assert "an older version and does not tell: the figures of each mode; the topology" in text
    assert "**Risk: medium**" in text
    assert "Whether all of the service worked where it is meant to is not proven." in text


@given(evil=st.text(alphabet="<>|&\"'`*\n\\\\[]()!#-\x1b\u202ea", min_size=1))
def test_no_value_breaks_out_of_its_place(
    tmp_path_factory: pytest.TempPathFactory, evil: str
) -> None:
    document = session(
        tmp_path_factory.mktemp("evil"),
        host=evil,
        verdicts=[verdict("fail", sentence=evil, advice=evil)],
        runs=[run([dict.fromkeys(FINDING, evil)])],
        versions={evil: evil},
    )
    document["runs"][0]["placement"]["processes"][0]["comm"] = evil
    found = facts.of(document, {**AUDIT, "checks": [{**CHECK, "found": evil, "fix": evil}]}, ())
    plain = facts.of(
        session(
            tmp_path_factory.mktemp("plain"), verdicts=[verdict("fail")], runs=[run([FINDING])]
        ),
        AUDIT,
        (),
    )

    text, page = report.as_markdown(found), report.as_page(found)

    assert not re.search(r"<|\x1b|\u202e", text)
    assert not re.search(r"^[>-] (?:[#>+-]|\d+[.)])+\s", text, re.MULTILINE)
    assert not re.search(r"\x1b|\u202e", page)
    assert text.count("\n## ") == report.as_markdown(plain).count("\n## ")
    assert _tags(page) - {"p", "/p"} == _tags(report.as_page(plain)) - {"p", "/p"}


def _tags(page: str) -> set[str]:
    return {one[1:] for one in re.findall(r"</?[a-z0-9]+", page.lower())}


def test_the_report_is_printed_or_written_as_its_name_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(tmp_path)
    path, audit = str(tmp_path / "session.json"), tmp_path / "audit.json"
    audit.write_text(json.dumps(AUDIT))

    codes = [
        cli.main(["report", path, "--audit", str(audit), "--client", *given])
        for given in ([], [str(tmp_path / "c.md")], [str(tmp_path / "c.html")])
    ]

    printed = capsys.readouterr().out
    assert codes == [0, 0, 0]
    assert printed.startswith((tmp_path / "c.md").read_text(encoding="utf-8"))
    assert "Risk: low" in (tmp_path / "c.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --html PATH or --client [PATH]"),
        (["--audit", "x"], "--audit is for the report that --client makes"),
        (["--client", "--audit", "/nowhere"], "--audit: /nowhere: No such file"),
        (["--client", "--audit", "/proc/version"], "expected what pytest-numa audit --json wrote"),
        (["--client", "--audit", "here"], "expected the session's host 'a-host'"),
        (["--client", "/proc/x.md"], "--client PATH"),
    ],
)
def test_what_cannot_be_reported_is_one_message(
    tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session(tmp_path)

    code = cli.main(["report", str(tmp_path / "session.json"), *options])

    told = capsys.readouterr()
    assert (code, told.out) == (1, "")
    assert said in told.err
    assert told.err.count("\n") == 1


def test_parts_of_the_wrong_kind_are_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(tmp_path, verdicts=[{"figure": "mean"}])

    code = cli.main(["report", str(tmp_path / "session.json"), "--client"])

    assert code == 1
    assert "expected the parts of a session as --numa-json writes them" in capsys.readouterr().err
