"""What systemd-analyze says, word for word as it was captured (systemd 252), as findings."""

from pytest_numa.lint import verify
from pytest_numa.services.unit import Unit

UNIT = Unit(name="bad@0.service", text="")
FILES = ("bad@.service", "bad@0.service.d/n.conf")
OUTPUT = """\
/tmp/x/bad@.service:3: Unknown key 'CPUAffinity' in section [Unit], ignoring.
/tmp/x/bad@.service:6: Unknown key 'CpuAfinity' in section [Service], ignoring.
/tmp/x/bad@.service:7: Cannot add CPU 99999 to set: Numerical result out of range
/tmp/x/bad@.service:8: Failed to parse CPU affinity '%i'
/tmp/x/bad@.service:8: Failed to parse NUMA node mask, ignoring: %i
/tmp/x/bad@.service:9: Invalid NUMA policy type, ignoring: foo
/tmp/x/bad@.service:12: Failed to parse kill mode specification, ignoring: maybe
/tmp/x/bad@.service:15: Unknown section 'Servce'. Ignoring.
/tmp/x/bad@0.service.d/n.conf:2: Unknown key 'NUMAMak' in section [Service], ignoring.
/lib/systemd/system/plymouth-start.service:16: Unit configured to use KillMode=none. Unsafe.
bad@0.service: Command nosuchtool is not executable: No such file or directory
other.service: Command nosuchtool is not executable: No such file or directory
bad@0.service: Unit configuration has fatal error, unit will not be started.
"""


def test_each_line_about_this_unit_is_a_finding_with_a_fix() -> None:
    found = list(verify.findings(OUTPUT, UNIT, files=FILES, has_programs=True))

    assert [(one.subject, one.fix) for one in found] == [
        ("bad@.service:3", "write it below [Service]"),
        ("bad@.service:6", "write CPUAffinity="),
        ("bad@.service:9", "write default, preferred, bind, interleave or local"),
        ("bad@.service:12", verify.MANUALS),
        ("bad@.service:15", "write [Service]"),
        ("bad@0.service.d/n.conf:2", "write NUMAMask="),
        ("nosuchtool", "install it, or write its whole path in ExecStart="),
        ("the unit", "see systemd.service(5)"),
    ]


def test_for_another_machine_a_program_that_is_not_here_is_no_matter() -> None:
    line = "bad@0.service: Command /opt/x is not executable: No such file or directory\n"

    assert list(verify.findings(line, UNIT, files=FILES, has_programs=False)) == []
