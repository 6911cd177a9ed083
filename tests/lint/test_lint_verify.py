"""What systemd-analyze says, word for word as it was captured (systemd 252), as findings."""

from pytest_numa.lint import verify
from pytest_numa.services import verification
from pytest_numa.services.unit import Unit

UNIT = Unit(name="bad@0.service", text="")
FILES = ("bad@.service", "bad@0.service.d/n.conf")
KNOWN = {
    "Unit": ("After", "StartLimitBurst"),
    "Service": ("CPUAffinity", "NUMAMask", "AllowedCPUs"),
    "Install": ("WantedBy",),
    "Slice": ("AllowedCPUs", "AllowedMemoryNodes"),
}
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
/tmp/x/bad@.service:16: Unknown key 'WantedBy' in section [Service], ignoring.
/tmp/x/bad@.service:17: Unknown key 'StartLimitBurst' in section [Service], ignoring.
/tmp/x/bad@.service:18: Unknown key 'NUMANodes' in section [Service], ignoring.
/tmp/x/bad@.service:19: Unit uses MemoryLimit=; please use MemoryMax= instead. Support for \
MemoryLimit= will be removed soon.
/tmp/x/bad@.service:20: Range '3-0' is invalid, 3 > 0
/tmp/x/bad@.service:21: Failed to parse resource value, ignoring: unlimited
"""


def test_each_line_about_this_unit_is_a_finding_with_a_fix() -> None:
    found = list(verify.findings(OUTPUT, UNIT, files=FILES, has_programs=True, known=KNOWN))

    assert [(one.subject, one.fix) for one in found] == [
        ("bad@.service:3", "write it below [Service]"),
        ("bad@.service:6", "write CPUAffinity="),
        ("bad@.service:9", "write default, preferred, bind, interleave or local"),
        ("bad@.service:12", "write KillMode=control-group or mixed"),
        ("bad@.service:15", "write [Service]"),
        ("bad@0.service.d/n.conf:2", "write NUMAMask="),
        ("nosuchtool", "install it, or write its whole path in ExecStart="),
        ("bad@.service:16", "write it below [Install]"),
        ("bad@.service:17", "write it below [Unit]"),
        ("bad@.service:18", "write NUMAMask="),
        ("bad@.service:19", "write MemoryMax=, which has the same effect"),
        (
            "bad@.service:21",
            "write a number, with K, M, G or T for more bytes, or infinity",
        ),
    ]
    # It still counts; the others do not.
    assert [one.subject for one in found if "it is dropped" not in one.found] == [
        "nosuchtool",
        "bad@.service:19",
    ]


def test_for_another_machine_a_program_that_is_not_here_is_no_matter() -> None:
    line = "bad@0.service: Command /opt/x is not executable: No such file or directory\n"

    found = verify.findings(line, UNIT, files=FILES, has_programs=False, known={})

    assert list(found) == []


def test_a_unit_that_is_needed_and_not_here_matters_on_this_host_alone() -> None:
    line = "bad@0.service: Failed to create bad@0.service/start: Unit docker.service not found.\n"

    here, there = (
        list(verify.findings(line, UNIT, files=FILES, has_programs=is_here, known={}))
        for is_here in (True, False)
    )

    assert [one.fix for one in here] == [
        "install what brings docker.service, or leave it out of Requires= and BindsTo="
    ]
    assert there == []


def test_in_a_slice_a_line_of_services_is_not_to_be_moved() -> None:
    line = "/x/bad.slice:2: Unknown key 'CPUAffinity' in section [Slice], ignoring.\n"
    unit = Unit(name="bad.slice", text="")

    (found,) = verify.findings(line, unit, files=("bad.slice",), has_programs=False, known=KNOWN)

    assert found.fix.startswith("leave it out: a slice has AllowedCPUs=")


def test_all_directives_of_this_hosts_systemd_are_known() -> None:
    known = verification.directives()

    assert {"CPUAffinity", "NUMAMask", "AllowedCPUs", "Type"} <= set(known["Service"])
    assert "WantedBy" in known["Install"]
