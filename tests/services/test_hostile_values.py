"""Values that would like to be more than values, read back from a real systemd."""

import json
import sys
from pathlib import Path

import pytest

from pytest_numa.policy import Policy
from pytest_numa.services import catalogue, direct, managers, systemd, template, undo

pytestmark = pytest.mark.systemd

HOSTILE = (
    *(
        "%%n",
        "%%%",
        "$$$",
        "${X}",
        "${",
        "$$HOME",
        " ; ",
        "\\\\",
        "a\\\n",
        "a\\\\",
        "=",
        "A=",
        "\u2028",
    ),
    *("\u0085", "\x1f", "\x0b", "\ufeff", "\u00a0x", " lead", "trail ", "\u202e", "\U0001f600"),
    *(
        "",
        " ",
        "a b",
        "-x",
        "@x",
        "+x",
        "!x",
        ":x",
        "|x",
        "--",
        ";",
        ";x",
        "#x",
        "\\",
        "\\;",
        "a\\",
    ),
    *('"', "'", 'a"b', "a'b", '" "', "%", "%n", "%%", "%i", "$", "$$", "$HOME", "${HOME}", "$1"),
    *("a\nExecStopPost=/bin/evil", "a\r\nb", "\t", "a\tb", "\x01", "\x7f", "ä", "日本", "a=b", "*"),
    *("\\n", "\\x41", "\\u0041", "`id`", "$(id)", "a;b", "a&b", "a|b", "<a>", "~", "{a}", "[a]"),
)
DUMP = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]), flush=True)"
TEMPLATE = """\
[Service]
Type=oneshot
{% for name, value in pairs %}
Environment={{ (name ~ "=" ~ value) | env }}
{% endfor %}
ExecStart={{ python | arg }} -c {{ dump | arg }}
{%- for value in values %} {{ value | arg }}{% endfor %}

"""


def test_every_value_comes_back_as_it_went_in(tmp_path: Path) -> None:
    (tmp_path / "dump.service.j2").write_text(TEMPLATE, encoding="utf-8")
    source = catalogue.find("dump.service.j2", directory=tmp_path)
    policy = Policy(cpus=frozenset({0}), memory_nodes=frozenset({0}))
    pairs = {f"V{number}": value for number, value in enumerate(HOSTILE)}
    given = {"python": sys.executable, "dump": DUMP}
    variables = {**given, "values": HOSTILE, "pairs": pairs.items()}
    wanted = template.render(source, policy=policy, variables=variables)
    choice = managers.Choice(name="private", reason="a test")

    with (
        undo.footprint() as footprint,
        managers.running(choice, footprint) as scope,
        systemd.installed(wanted, scope, footprint) as stands,
    ):
        stands.start()
        argv, environment = json.loads(stands.log_tail(1))

    assert tuple(argv) == HOSTILE
    assert {name: environment.get(name) for name in pairs} == pairs
    assert wanted.unit.command().argv[3:] == HOSTILE
    assert dict(wanted.unit.command().environment) == pairs


def test_by_hand_the_command_gets_the_same_values(tmp_path: Path) -> None:
    (tmp_path / "dump.service.j2").write_text(TEMPLATE, encoding="utf-8")
    source = catalogue.find("dump.service.j2", directory=tmp_path)
    policy = Policy(cpus=frozenset({0}), memory_nodes=frozenset({0}))
    variables = {"python": sys.executable, "dump": DUMP, "values": HOSTILE, "pairs": ()}
    wanted = template.render(source, policy=policy, variables=variables)
    command = wanted.unit.command()

    with (
        undo.footprint() as footprint,
        direct.running(command, command.argv, footprint) as child,
    ):
        child.process.wait(30)
        argv, _ = json.loads(child.log_tail(1))

    assert tuple(argv) == HOSTILE
