"""One thing that is not as expected."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as expected, told so that a reader can act."""

    subject: str
    expected: str
    found: str
    cause: str
    fix: str
    is_page_cache: bool = False
    is_unread: bool = False
    """Whether it could not be looked at: then nothing is proven, and nothing refuted."""

    def __str__(self) -> str:
        return (
            f"{self.subject}\n  expected  {self.expected}\n  found     {self.found}\n"
            f"  probably  {self.cause}\n  to fix    {self.fix}"
        )
