"""``pytest-numa gate``: two recorded sessions, and what a verdict will take."""

import json
from pathlib import Path

import pytest
import session_files

from pytest_numa import cli


def gate(*words: object) -> int:
    return cli.main(["gate", *map(str, words)])


@pytest.mark.parametrize(
    ("latency_s", "code", "word"), [(1.0, 0, "PASS"), (0.8, 0, "PASS"), (1.2, 1, "FAIL")]
)
def test_a_slower_session_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], latency_s: float, code: int, word: str
) -> None:
    before = session_files.session(tmp_path / "a.json")
    now = session_files.session(tmp_path / "b.json", latency_s=latency_s)

    found = gate(before, now)

    assert found == code
    assert capsys.readouterr().out.endswith(f"{word}\n")


def test_few_blocks_are_not_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = session_files.session(tmp_path / "a.json")
    now = session_files.session(tmp_path / "b.json", blocks=3)

    assert gate(before, now) == 3
    assert "3 of at least 4 blocks were measured" in capsys.readouterr().out


def test_a_tail_of_few_values_is_advice_and_decides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = session_files.session(tmp_path / "a.json")
    now = session_files.session(tmp_path / "b.json", latency_s=2.0)

    assert gate(before, now, "--metric", "p99") == 3
    assert "would show p99" in capsys.readouterr().out


def test_the_host_is_told_apart_from_the_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = session_files.session(tmp_path / "slow.json", latency_s=1.2)
    now = json.loads(slow.read_text())
    now["modes"]["pinned"] = now["modes"]["systemd"]
    now["versions"]["kernel"] = "6.12.11"
    slow.write_text(json.dumps(now))

    gate(session_files.session(tmp_path / "a.json"), slow, "--json")

    found = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in found["host"]] == ["fail", "fail", "fail"]
    assert found["changes"] == ["kernel 6.12.9 became 6.12.11"]
    assert found["figures"][0]["slowdown"] == pytest.approx(0.2, abs=0.01)


def test_a_baseline_is_compared_by_its_pinned_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = session_files.baseline(tmp_path / "a.json", latency_s=0.5)

    assert gate(before, session_files.session(tmp_path / "b.json")) == 1
    assert "mode pinned" in capsys.readouterr().out


def test_one_figure_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, now = (session_files.session(tmp_path / name) for name in ("a.json", "b.json"))

    gate(before, now, "--metric", "itl_p50", "--margin", "20", "--json")

    (found,) = json.loads(capsys.readouterr().out)["figures"]
    assert (found["figure"], found["outcome"]) == ("itl_p50", "pass")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found no JSON"),
        ("[]", "found something else"),
        ("{}", "found something else"),
        ('{"sessions": []}', "a baseline of schema None"),
        ('{"schema": 2, "sessions": []}', "a baseline that was changed after it was written"),
        ('{"schema": 3, "digest": "", "sessions": []}', "a baseline of schema 3"),
        ('{"a": NaN}', "found no JSON (NaN is no number)"),
        ('{"kind": "pytest-numa session", "schema": 2}', "schema 2, and this version reads 1"),
    ],
)
def test_a_file_that_is_no_session_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (tmp_path / "a.json").write_text(text)

    found = gate(tmp_path / "a.json", session_files.session(tmp_path / "b.json"))

    assert found == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modes": {}}, "a session without runs"),
        ({"modes": []}, "found something else"),
        ({"took_s": -1.0}, "took_s of -1.0"),
        ({"took_s": "long"}, "took_s of 'long'"),
        ({"subject": None}, "found something else"),
        ({"versions": [1]}, "found something else"),
    ],
)
def test_a_damaged_session_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], words: str
) -> None:
    now = session_files.session(tmp_path / "b.json")
    now.write_text(json.dumps(json.loads(now.read_text()) | changes))

    assert gate(session_files.session(tmp_path / "a.json"), now) == 2
    assert words in capsys.readouterr().err


def changed_runs(path: Path, which: slice, **changes: object) -> Path:
    document = json.loads(session_files.session(path).read_text())
    for (run,) in document["modes"]["systemd"][which]:
        run.update(changes)
    path.write_text(json.dumps(document))
    return path


def test_a_session_with_failed_requests_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = changed_runs(tmp_path / "b.json", slice(1), failed=2, failures={"status 503": 2})

    assert gate(session_files.session(tmp_path / "a.json"), now) == 2
    assert "2 requests failed in mode systemd of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("which", "code", "words"), [(slice(1), 0, "5 blocks"), (slice(6), 2, "was the limit")]
)
def test_blocks_in_which_the_load_generator_was_the_limit_do_not_count(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    which: slice,
    code: int,
    words: str,
) -> None:
    client = {"cpu_s": 1.0, "lag_p99_ms": 0.1, "bound": True}
    now = changed_runs(tmp_path / "b.json", which, client=client)

    assert gate(session_files.session(tmp_path / "a.json"), now) == code
    captured = capsys.readouterr()
    assert words in captured.out + captured.err


def test_a_selftest_of_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert gate("selftest", "--", "-q") == 2
    assert "selftest: nothing was measured: expected pytest's options" in capsys.readouterr().err


def test_sessions_of_unlike_hosts_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = session_files.session(
        tmp_path / "b.json", subject=session_files.SUBJECT | {"host class": "another"}
    )

    assert gate(session_files.session(tmp_path / "a.json"), other) == 2
    assert "the host class was a host in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nosuch.json",), "expected two files, plan or selftest, found 'nosuch.json'"),
        (("nosuch.json", "other.json"), "nosuch.json: No such file or directory"),
        (("plan",), "plan: expected files with runs, or --cv PCT, and not both"),
        (("plan", "nosuch.json"), "nosuch.json: No such file or directory"),
    ],
)
def test_wrong_usage_is_told(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert gate(*words) == 2
    assert message in capsys.readouterr().err


def test_a_mode_that_a_session_has_not_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now = (session_files.session(tmp_path / name) for name in ("a.json", "b.json"))

    assert gate(before, now, "--mode", "unpinned") == 2
    assert "has no runs of mode unpinned: pinned, systemd" in capsys.readouterr().err


def test_a_figure_that_a_run_has_not_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = session_files.session(tmp_path / "b.json")
    text = now.read_text().replace('"ttft_ms": {"mean"', '"ttft_ms": {"p50": "x", "mean"')
    now.write_text(text.replace('"p50": 500', '"p50": "many", "was": 500'))

    assert gate(session_files.session(tmp_path / "a.json"), now) == 2
    assert str(now) in capsys.readouterr().err


def test_a_plan_says_how_many_blocks_and_minutes_it_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate("plan", "--cv", "1", "--block-s", "60", "--repetitions", "40")

    out = capsys.readouterr().out
    assert "(4.0 minutes) in half of the sessions" in out
    assert "True slowdown" in out


def test_a_plan_of_noisy_runs_asks_for_more(capsys: pytest.CaptureFixture[str]) -> None:
    gate("plan", "--cv", "20%", "--repetitions", "20")

    out = " ".join(capsys.readouterr().out.split())
    assert "more than 64 blocks in 90 % of them" in out
    assert "That is more than the budget" in out


def test_the_power_of_a_plan_rises_with_the_slowdown(capsys: pytest.CaptureFixture[str]) -> None:
    gate("plan", "--cv", "2", "--repetitions", "60", "--json")

    curve = json.loads(capsys.readouterr().out)["curve"]
    assert [one["fail"] for one in curve] == sorted(one["fail"] for one in curve)
    assert (curve[0]["pass"], curve[-1]["fail"]) == (pytest.approx(1, abs=0.1), 1.0)


def test_a_plan_takes_the_spread_from_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        session_files.bench(tmp_path / f"{number}.json", latency_s)
        for number, latency_s in enumerate((1.0, 1.02, 0.98))
    ]

    gate("plan", *runs, "--repetitions", "20", "--metric", "mean", "--json")

    found = json.loads(capsys.readouterr().out)
    assert found["cv"]["mean"] == pytest.approx(0.02, rel=0.01)


def test_a_plan_of_a_session_knows_what_a_block_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate("plan", session_files.session(tmp_path / "a.json"), "--repetitions", "20", "--json")

    assert json.loads(capsys.readouterr().out)["block_s"] == 60.0


def test_two_runs_tell_no_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [session_files.bench(tmp_path / f"{number}.json", 1.0) for number in range(2)]

    assert gate("plan", *runs) == 2
    assert "expected at least 3 runs of one mode" in capsys.readouterr().err
