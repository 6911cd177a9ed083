"""What names one machine goes, in its shape; what many machines have stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.capture import identities
from pytest_numa.capture.identities import Numbers

UUID = "3f2a9c1e-aa11-4b22-8c33-0123456789ab"


@pytest.mark.parametrize(
    ("text", "blanked", "what"),
    [
        (f"root=UUID={UUID} ro", "root=UUID=00000000-0000-0000-0000-000000000001 ro", "a UUID"),
        (f"/kubepods/pod{UUID}/x", "/kubepods/pod00000000-0000-0000-0000-000000000001/x", "a UUID"),
        (
            UUID.replace("-", "_") + ".slice",
            "00000000_0000_0000_0000_000000000001.slice",
            "a UUID",
        ),
        (
            UUID.replace("-", r"\x2d") + ".mount",
            r"00000000\x2d0000\x2d0000\x2d0000\x2d000000000001.mount",
            "a UUID",
        ),
        ("PARTUUID=1c2d3e4f-01", "PARTUUID=00000000-01", "a UUID"),
        (
            "rd.md.uuid=3aaa0122:29827cfa:5331ad66:ca767371",
            "rd.md.uuid=00000000:00000000:00000000:00000001",
            "a UUID",
        ),
        ("ifname=eth0:0c:c4:7a:11:22:33", "ifname=eth0:00:00:00:00:00:01", "a hardware address"),
        ("enx0cc47a112233", "enx000000000001", "a hardware address"),
        ("wwn-0x5000c500a1b2c3d4", "wwn-0x0000000000000001", "a serial number"),
        ("nvme-eui.0025385b71b0a1b2", "nvme-eui.0000000000000001", "a serial number"),
        (
            "machine_id=0123456789abcdef0123456789abcdef",
            "machine_id=00000000000000000000000000000001",
            "a machine id",
        ),
    ],
)
def test_a_number_of_one_machine_becomes_a_running_number(
    text: str, blanked: str, what: str
) -> None:
    noted: dict[str, None] = {}

    found = Numbers().blank(text, noted)

    assert found == blanked
    assert list(noted) == [what]


def test_two_of_a_kind_stay_two_and_one_stays_one() -> None:
    numbers = Numbers()
    other = UUID.replace("3f", "40")

    found = numbers.blank(f"{UUID} {other} {UUID.upper()}", {})

    first, second = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    assert found == f"{first} {second} {first}"


@pytest.mark.parametrize(
    "text",
    [
        "ffffffff,ffffffff,00000000,0000ffff",
        "0000:3b:00.0",
        "docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope",
        "SigCgt: 00000001800004e8",
        "7f0c12345000-7f0c12346000 r--p 00000000 fe:00 1234",
        "0-3,8-11",
        "10-11-12-13-14",
    ],
)
def test_numbers_that_a_machine_is_made_of_stay(text: str) -> None:
    assert Numbers().blank(text, {}) == text


@given(st.text("0123456789abcdef-:_ \nUID=enx.", max_size=80))
def test_numbers_blanked_once_are_blank(text: str) -> None:
    numbers = Numbers()
    once = numbers.blank(text, {})

    assert numbers.blank(once, {}) == once
    assert len(once) == len(text)


@given(st.uuids())
def test_no_uuid_survives(uuid: object) -> None:
    found = Numbers().blank(f"a/{uuid}.b", {})

    assert found == "a/00000000-0000-0000-0000-000000000001.b"


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("ip=10.20.30.40::10.20.30.1", "ip=192.0.2.1::192.0.2.1"),
        ("10.20.30.40:/srv", "192.0.2.1:/srv"),
        ("http://10.20.30.40.nip.io/", "http://192.0.2.1.nip.io/"),
        ("at 10.20.30.40.", "at 192.0.2.1."),
        ("ip-10-20-30-40.ec2.internal", "ip-192-0-2-1.ec2.internal"),
        ("[fd00:12:34:56::9]:/srv", "[2001:db8::1]:/srv"),
        ("fd00::9:/srv", "2001:db8::1:/srv"),
        ("addr=fe80::1%eth0", "addr=2001:db8::1%eth0"),
        ("::ffff:10.0.0.1", "2001:db8::1:192.0.2.1"),
        ("2a02:908:1a2:0:1:2:3:4", "2001:db8::1"),
    ],
)
def test_an_address_goes(text: str, blanked: str) -> None:
    noted: dict[str, None] = {}

    found = identities.addresses(text, noted)

    assert found == blanked
    assert list(noted) == ["an address"]


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1:8000", "0.0.0.0", "[::]:8000", "[::1]:8000", "::", "std::vector", "a::b::c"),
        *("0:1:2:3:4:5:6:7", "12:30:45", "0000:3b:00.0", "1.2.3", "1.2.3.4.5", "bind:0-1"),
    ],
)
def test_what_is_no_address_or_loopback_stays(text: str) -> None:
    assert identities.addresses(text, {}) == text


@given(st.ip_addresses().filter(lambda one: not one.is_loopback and not one.is_unspecified))
def test_no_address_survives(address: object) -> None:
    found = identities.addresses(f"[{address}]:1", {})

    assert found in ("[192.0.2.1]:1", "[2001:db8::1]:1", "[2001:db8::1:192.0.2.1]:1")


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("systemd.hostname=gpu-box-17", "systemd.hostname=host"),
        ("/srv/gpu-box-17/w.gguf", "/srv/host/w.gguf"),
        ("http://gpu-box-17.example.com:80", "http://host:80"),
        ("GPU-BOX-17.service", "host.service"),
        ("data-gpu-box-17.json", "data-host.json"),
        ("/dev/mapper/rhel_gpu--box--17-swap", "/dev/mapper/rhel_host-swap"),
        (r"srv-gpu\x2dbox\x2d17.mount", "srv-host.mount"),
        ("gpu-box-17-gpu-box-17", "host-host"),
        ("gpu-box-170 agpu-box-17", "gpu-box-170 agpu-box-17"),
    ],
)
def test_the_host_s_name_goes_where_it_is_a_name(text: str, blanked: str) -> None:
    pattern = identities.host_pattern("gpu-box-17.example.com")

    assert pattern is not None
    assert pattern.sub("host", text) == blanked


def test_a_name_that_is_a_word_is_found_as_a_word_alone() -> None:
    pattern = identities.host_pattern("atlas")

    assert pattern is not None
    assert pattern.sub("host", "/srv/atlas libatlas.so my-atlas /atlas-2") == (
        "/srv/host libatlas.so my-atlas /atlas-2"
    )


@pytest.mark.parametrize("name", ["", "a", "pc", "localhost", "memory", "cpu0", "node1", "default"])
def test_a_name_that_stands_in_everything_is_not_looked_for(name: str) -> None:
    assert identities.host_pattern(name) is None
