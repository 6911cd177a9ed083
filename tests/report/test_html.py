"""The page of a session: self-contained, escaped, and with the figures of the document."""

import html.parser
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import session_values as made

from pytest_numa import formatting
from pytest_numa.errors import ReportError
from pytest_numa.history import Entry
from pytest_numa.policy import Policy
from pytest_numa.report import html_file
from pytest_numa.report.html import page, templates

HOSTILE = "a|b\n<script>alert('x')</script>\"'&$x$\udc80\x07</title>"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Read(html.parser.HTMLParser):
    """What is in a page; fails where an element is left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, *names: str) -> Iterator[str]:
        for _, attributes in self.tags:
            yield from (value or "" for name, value in attributes.items() if name in names)


@pytest.fixture(scope="module")
def failed() -> str:
    found = made.document(slower=1.2, ran_on=frozenset({0, 1, 9}), comm=HOSTILE, blocks=5)
    return page.page(json.loads(json.dumps(found)), sessions(found))


def sessions(document: dict[str, object], count: int = 8) -> list[Entry]:
    subject = dict(document["subject"])  # type: ignore[call-overload]
    figures = {"pinned": {"tokens_per_s": [16.0]}, "systemd": {"tokens_per_s": [15.9]}}
    return [
        Entry(
            when=f"2026-01-{number:02d}T00:00:00+00:00",
            host=str(document["host"]),
            subject=subject,
            versions={},
            figures=figures,
        )
        for number in range(1, count + 1)
    ]


def test_the_page_loads_nothing(failed: str) -> None:
    read = Read(failed)

    links = set(read.values("href", "src", "srcset", "action", "data", "xlink:href", "poster"))

    assert {link for link in links if not link.startswith(("#", "data:,"))} == set()
    assert not {"script", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in read.tags
    }
    assert "@import" not in failed
    assert {one for one in re.findall(r"url\(([^)]*)\)", failed) if one[0] != "#"} == set()
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:" in failed


def test_every_reference_within_the_page_has_its_one_target(failed: str) -> None:
    read = Read(failed)
    ids = list(read.values("id"))

    wanted = [link[1:] for link in read.values("href", "xlink:href") if link.startswith("#")]
    wanted += re.findall(r"url\(#([^)]+)\)", failed)
    wanted += list(read.values("aria-labelledby"))

    assert len(ids) == len(set(ids))
    assert set(wanted) <= set(ids)


def test_what_a_process_calls_itself_is_text_and_no_markup(failed: str) -> None:
    read = Read(failed)

    assert any("<script>alert('x')</script>" in text for text in read.texts)
    assert "<script" not in failed
    assert "\x07" not in failed
    failed.encode("utf-8")


def test_failures_stand_before_what_passed(failed: str) -> None:
    text = " ".join(Read(failed).texts)

    order = [
        text.index(one) for one in ("Not accepted", "FAIL · ", "PASS · ", "Figures of each mode")
    ]

    assert order == sorted(order)
    assert "What to do next" in text


def test_every_figure_is_that_of_the_document() -> None:
    found = made.document()
    cells = [text.split("\n")[0] for text in Read(page.page(found)).texts]

    for one in found["figures"].values():
        for value in one["modes"].values():
            if value is not None:
                assert formatting.number(value) in cells
    assert sum(one["modes"]["systemd"] is not None for one in found["figures"].values()) == 11


def test_means_and_changes_have_their_intervals() -> None:
    found = made.document()
    one = found["figures"]["mean"]
    low, high = one["intervals"]["systemd"]
    change = one["changes"]["systemd"]

    texts = Read(page.page(found)).texts

    shown = map(formatting.number, (one["modes"]["systemd"], low, high))
    assert "{}\n({} to {})".format(*shown) in texts
    assert (
        f"{change['slowdown']:+.1%}\n({change['interval'][0]:+.1%} to {change['interval'][1]:+.1%})"
        in texts
    )


def test_every_plot_is_told_in_words_and_has_its_values_in_a_table(failed: str) -> None:
    read = Read(failed)

    plots = [attributes for tag, attributes in read.tags if tag == "svg"]

    assert len(plots) == 9
    assert all(one["role"] == "img" and one["aria-label"] for one in plots)
    figures = re.findall(r"<figure>.*?</figure>", failed, flags=re.DOTALL)
    assert [one.count("<table ") for one in figures] == [1] * len(plots)


def test_a_host_with_eight_nodes_is_drawn_in_full() -> None:
    host = made.topology(sockets=2, nodes=4, cores=24, threads=2)
    policy = Policy(cpus=host.nodes[2].cpus, memory_nodes=frozenset({2}))

    text = page.page(made.document(host=host, policy=policy, blocks=1))

    machine = text[text.index('<div class="machine') : text.index("The nodes<")]
    assert len(re.findall(r'class="cpu ', machine)) == 384
    assert len(re.findall(r'class="cpu wanted', machine)) == 48
    assert "GPU 0000:08:00.0" in machine
    assert "NVMe 0000:fe:00.0" in machine


def test_work_off_the_policy_is_marked_by_more_than_a_colour() -> None:
    text = page.page(made.document(ran_on=frozenset({0, 9}), blocks=1))

    assert re.findall(r'class="cpu other ran astray">([^<]*)<', text)[1:] == ["9!"]


def test_a_document_that_knows_little_is_told_as_far_as_it_goes() -> None:
    old = {
        "kind": "pytest-numa session",
        "schema": 1,
        "took_s": None,
        "subject": {},
        "versions": {},
        "when": "2026-01-01T00:00:00+00:00",
        "modes": made.document(blocks=2)["modes"],
    }

    text = " ".join(Read(page.page(old)).texts)

    assert "Measured" in text
    assert "Throughput by block" in text
    assert "Host and placement" not in text


def test_a_history_of_other_hosts_is_not_shown() -> None:
    found = made.document(blocks=1)
    others = sessions(found | {"host": "another"})

    text = page.page(found, others)

    assert "No session of this host and subject is in the history yet." in text


def test_a_history_without_otava_is_shown_without_change_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = made.document(blocks=1)
    monkeypatch.setitem(__import__("sys").modules, "otava.analysis", None)

    text = page.page(found, sessions(found))

    assert "Not looked for changes: change points need Apache Otava" in text
    assert "Throughput over sessions (tokens/s)" in text


def test_the_same_document_makes_the_same_page() -> None:
    found = made.document(blocks=1)

    assert page.page(found) == page.page(json.loads(json.dumps(found)))


def test_a_page_that_cannot_be_written_is_told_by_its_option(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="--numa-html PATH"):
        html_file.check(tmp_path, option="--numa-html")


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


SCHEMES = [
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", templates.style(), flags=re.DOTALL)
]
TEXTS = (
    *(("ink", on) for on in ("page", "card", "good-page", "bad-page", "open-page")),
    *((text, on) for text in ("soft", "link", "good", "bad", "open") for on in ("page", "card")),
    *(("good", "good-page"), ("bad", "bad-page"), ("open", "open-page"), ("systemd", "page")),
)
LINES = ("unpinned", "pinned", "systemd", "mark", "band")


@pytest.mark.parametrize("scheme", SCHEMES, ids=("light", "dark", "print"))
def test_text_has_the_contrast_of_wcag_aa(scheme: dict[str, str]) -> None:
    faint = {pair for pair in TEXTS if contrast(scheme[pair[0]], scheme[pair[1]]) < 4.5}

    assert faint == set()


@pytest.mark.parametrize("scheme", SCHEMES, ids=("light", "dark", "print"))
def test_lines_of_plots_have_the_contrast_of_wcag_aa(scheme: dict[str, str]) -> None:
    assert {line for line in LINES if contrast(scheme[line], scheme["card"]) < 3} == set()
