import pytest

from pytest_numa.kernel import cpuinfo


@pytest.mark.parametrize(
    ("text", "model"),
    [
        (
            (
                "processor\t: 0\nmodel\t\t: 47\n"
                "model name\t: Intel(R) Xeon(R) CPU E7- 4870  @ 2.40GHz\n\n"
                "processor\t: 1\nmodel name\t: Intel(R) Xeon(R) CPU E7- 4870  @ 2.40GHz\n\0"
            ),
            "Intel(R) Xeon(R) CPU E7- 4870 @ 2.40GHz",
        ),
        (
            (
                "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd87\n\n"
                "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd85\n\n"
                "processor\t: 2\nCPU implementer\t: 0x41\nCPU part\t: 0xd87\n"
            ),
            "ARM 0x41 part 0xd85 + ARM 0x41 part 0xd87",
        ),
        ("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("processor\t: 0\nhart\t: 2\nuarch\t: sifive,u74-mc\n", "sifive,u74-mc"),
        ("", "unknown CPU model"),
    ],
)
def test_the_model_is_named_in_one_line_on_each_architecture(text: str, model: str) -> None:
    assert cpuinfo.parse_model(text) == model
