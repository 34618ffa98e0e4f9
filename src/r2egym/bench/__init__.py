"""What `r2egym bench` measures: ours beside a peer's, in one run on one machine. The ratio is what counts."""

from r2egym.records import Record


class BenchLine(Record):
    """One measurement."""

    name: str
    ours: float
    reference: float | None
    """The peer's; None when it cannot run here."""
    ratio: float | None
    """``ours / reference``."""
    unit: str = "ms"
    note: str = ""
    """What the peer is, or why there is none."""

    @classmethod
    def of(
        cls, name: str, ours: float, reference: float | None, *, unit: str = "ms", note: str = ""
    ) -> "BenchLine":
        """A line with its ratio."""
        ratio = ours / reference if reference else None
        return cls(name=name, ours=ours, reference=reference, ratio=ratio, unit=unit, note=note)
