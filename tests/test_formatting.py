"""Numbers and foreign text as people read them."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_numa import formatting


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (123.44, "123.4"),
        (1020.9, "1021"),
        (1234567.0, "1234567"),
        (9.87654, "9.877"),
        (0.012344, "0.01234"),
        (-42.0, "-42.00"),
        (0.0, "0"),
        (math.nan, "unknown"),
        (math.inf, "unknown"),
    ],
)
def test_a_number_has_four_significant_digits(value: float, expected: str) -> None:
    assert formatting.number(value) == expected


@settings(deadline=None)
@given(st.floats(min_value=1e-6, max_value=1e12))
def test_a_number_is_shown_to_within_a_thousandth(value: float) -> None:
    shown = formatting.number(value)

    assert float(shown) == pytest.approx(value, rel=1e-3)
    assert "e" not in shown


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.0312, "3.1%"), (-0.5, "-50.0%"), (math.nan, "unknown")]
)
def test_a_fraction_is_shown_as_a_percentage(fraction: float, expected: str) -> None:
    assert formatting.percent(fraction) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0 ms"),
        (0.85, "850 ms"),
        (0.9996, "1.0 s"),
        (12.34, "12.3 s"),
        (59.97, "1 min 0 s"),
        (245.0, "4 min 5 s"),
        (3599.7, "1 h 0 min"),
        (7380.0, "2 h 3 min"),
        (-2.0, "-2.0 s"),
        (math.inf, "unknown"),
    ],
)
def test_a_duration_is_shown_in_the_units_that_matter(seconds: float, expected: str) -> None:
    assert formatting.duration(seconds) == expected


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (24 * 1024**3, "24.0 GiB"),
        (5000 * 1024**5, "5000.0 PiB"),
    ],
)
def test_a_size_is_shown_in_powers_of_1024(size_bytes: int, expected: str) -> None:
    assert formatting.bytes_iec(size_bytes) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SmolLM2-135M_Q4_K_M.gguf", "SmolLM2-135M_Q4_K_M.gguf"),
        ("95% interval [1.01, 1.04]", "95% interval [1.01, 1.04]"),
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("two\r\nlines\u2028and more ", "two lines and more"),
        ("`code`", r"\`code\`"),
        ("<!-- pytest-numa:end latest -->", "&lt;!-- pytest-numa:end latest -->"),
        ("<script>", "&lt;script>"),
        ("AT&T &lt;", "AT&T &amp;lt;"),
        ("[click](http://x)", r"[click]\(http://x)"),
        ("*bold*", r"\*bold\*"),
        ("\x1b[31mred\u202eder\udcff", "\ufffd[31mred\ufffdder\ufffd"),
    ],
)
def test_a_cell_reads_as_itself(text: str, expected: str) -> None:
    assert formatting.markdown_cell(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# error: no CPUs", r"\# error: no CPUs"),
        ("> quoted", r"\> quoted"),
        ("- one", r"\- one"),
        ("12) twelve", r"12\) twelve"),
        ("2.", r"2\."),
        ("---", r"\---"),
        ("===", r"\==="),
        ("--numa-blocks 60; or a quieter host", "--numa-blocks 60; or a quieter host"),
        ("-5.7% faster, +1 or 3.5 of #7", "-5.7% faster, +1 or 3.5 of #7"),
        ("100.5 ms", "100.5 ms"),
    ],
)
def test_a_line_reads_as_itself_where_a_block_would_begin(text: str, expected: str) -> None:
    assert formatting.markdown_line(text) == expected


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_out_of_a_cell(text: str) -> None:
    cell = formatting.markdown_cell(text)

    assert re.fullmatch(r"(?:\\[\\|`*(_~]|[^\\|`*~<\r\n])*", cell)
    assert cell.isprintable()


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-0.012, 0.034, "-1.2% to +3.4%"),
        (-0.9, 9.0, "-90.0% to +900.0%"),
        (-1.0, 67_179.0, "less than -90% to more than +900%"),
        (0.5, 12.0, "+50.0% to more than +900%"),
        (1e88, math.inf, "more than +900%"),
        (-1.0, -0.999, "less than -90%"),
    ],
)
def test_an_interval_beyond_tenfold_is_not_told_in_digits(
    low: float, high: float, text: str
) -> None:
    assert formatting.interval(low, high) == text
