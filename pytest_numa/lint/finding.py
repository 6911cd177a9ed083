"""One thing about a unit that is not as it should be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong, told so that a reader can act."""

    subject: str
    expected: str
    found: str
    fix: str
    is_unknown: bool = False
    """Whether it could not be looked at: then it is neither right nor wrong."""

    def __str__(self) -> str:
        return (
            f"{self.subject}{' (unknown)' if self.is_unknown else ''}\n"
            f"  expected  {self.expected}\n  found     {self.found}\n  to fix    {self.fix}"
        )
