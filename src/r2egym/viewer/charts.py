"""Charts as SVG for pages. Colours are classes, sizes are attributes: the pages' security policy allows no inline styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from r2egym.viewer.attempts import STATUSES
from r2egym.viewer.palette import line_of

_TINY = 0.004


def outcome_bar(
    statuses: Mapping[str, int], planned: int | None = None, *, width: int = 240, height: int = 10
) -> Markup:
    """One bar of all attempts by status; what is still to come stays empty."""
    whole = max(sum(statuses.values()), planned or 0)
    told = (
        ", ".join(f"{statuses[name]:,} {name}" for name in STATUSES if statuses.get(name))
        or "no attempts yet"
    )
    parts, at = [], 0.0
    for name in STATUSES:
        share = statuses.get(name, 0) / whole if whole else 0
        if share:
            wide = max(share, _TINY) * width
            gap = 1 if at else 0
            rect = Markup('<rect x="{:.2f}" width="{:.2f}" height="{}" class="fill-{}"/>')
            parts.append(rect.format(at + gap, max(wide - gap, 0.5), height, name))
            at += wide
    return Markup(
        '<svg class="bar" viewBox="0 0 {w} {h}" width="{w}" height="{h}" preserveAspectRatio="none" role="img" aria-label="{told}">'
        '<rect width="{w}" height="{h}" class="fill-rest"/>{parts}</svg>'
    ).format(w=width, h=height, told=told, parts=Markup("").join(parts))


def share_bar(share: float, kind: str = "accent", *, width: int = 120, height: int = 8) -> Markup:
    """A bar of a share from 0 to 1; the number stands beside it, so it says nothing to a screen reader."""
    return Markup(
        '<svg class="bar" viewBox="0 0 {w} {h}" width="{w}" height="{h}" aria-hidden="true"><rect width="{w}" height="{h}" class="fill-rest"/>'
        '<rect width="{part:.2f}" height="{h}" class="fill-{kind}"/></svg>'
    ).format(w=width, h=height, part=max(0.0, min(share, 1.0)) * width, kind=kind)


def histogram(
    numbers: Sequence[float], label: str, *, bins: int = 24, width: int = 300, height: int = 84
) -> Markup:
    """How numbers are distributed. The last bin holds all that is larger than 98 of 100."""
    if not numbers:
        return Markup("")
    ordered = sorted(numbers)
    top = ordered[min(int(len(ordered) * 0.98), len(ordered) - 1)]
    low = min(0.0, ordered[0])
    bins = (
        max(1, min(bins, int(top - low) + 1)) if all(float(n).is_integer() for n in ordered[:1000]) else bins
    )
    step = (top - low) / bins or 1.0
    counts = [0] * bins
    for number in ordered:
        counts[min(max(int((number - low) / step), 0), bins - 1)] += 1
    most, wide = max(counts), width / bins
    floor = height - 16
    rects = Markup("").join(
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="fill-accent"/>').format(
            n * wide + 0.5, floor - tall, wide - 1, tall
        )
        for n, count in enumerate(counts)
        if (tall := count / most * (floor - 4))
    )
    more = "" if ordered[-1] <= top else "+"
    told = f"{label}: median {ordered[len(ordered) // 2]:,.0f}, from {ordered[0]:,.0f} to {ordered[-1]:,.0f}"
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{told}">{rects}'
        '<line x1="0" x2="{w}" y1="{floor}.5" y2="{floor}.5" class="axis"/>'
        '<text x="0" y="{h}" class="tick">{low:,.0f}</text><text x="{w}" y="{h}" text-anchor="end" class="tick">{top:,.0f}{more}</text></svg>'
    ).format(w=width, h=height, told=told, rects=rects, floor=floor, low=low, top=top, more=more)


def curves(
    ks: Sequence[int],
    named: Mapping[str, Sequence[float | None]],
    *,
    label: str = "Best@K",
    width: int = 600,
    height: int = 260,
) -> Markup:
    """Curves over K, as Best@K and Pass@K are shown.

    Args:
        ks: sizes of subsets, ascending.
        named: selector → expectation from 0 to 1 for every K; None: not known there.
        label: what a screen reader says.
        width: in pixels.
        height: in pixels.
    """
    left, right, top, bottom = 40, 142, 12, 28
    values = [value for curve in named.values() for value in curve if value is not None]
    if not values or not ks:
        return Markup("")
    high = min(1.0, (int(max(values) * 10) + 1) / 10)
    low = max(0.0, int(min(values) * 10) / 10)
    low = low if high > low else 0.0
    span = max(ks[-1] - ks[0], 1)

    def place(k: float, value: float) -> tuple[float, float]:
        across = left + (k - ks[0]) / span * (width - left - right)
        return across, top + (high - value) / (high - low) * (height - top - bottom)

    parts = [_grid(low, high, left, width - right, place(ks[0], low)[1], place(ks[0], high)[1])]
    for k in sorted({ks[0], ks[len(ks) // 2], ks[-1]}):
        tick = Markup('<text x="{:.1f}" y="{}" text-anchor="middle" class="tick">{}</text>')
        parts.append(tick.format(place(k, low)[0], height - 8, f"K = {k}" if k == ks[0] else k))
    ends = []
    for number, (selector, curve) in enumerate(named.items()):
        points = [place(k, value) for k, value in zip(ks, curve, strict=True) if value is not None]
        if points:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            name, series, dash = line_of(selector, number)
            parts.append(
                Markup('<polyline points="{}" class="curve {} series-{}"/>').format(line, dash, series)
            )
            ends.append((points[-1][1], series, name, [v for v in curve if v is not None][-1]))
    parts += _labels(ends, width - right + 8)
    told = "; ".join(f"{name} {last:.1%} at K = {ks[-1]}" for _, _, name, last in ends)
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}: {told}">{parts}</svg>'
    ).format(w=width, h=height, label=label, told=told, parts=Markup("").join(parts))


def _grid(low: float, high: float, left: float, right: float, floor: float, ceiling: float) -> Markup:
    lines = []
    for number in range(5):
        value = low + (high - low) * number / 4
        y = floor + (ceiling - floor) * number / 4
        lines.append(
            Markup(
                '<line x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}" class="axis"/>'
                '<text x="{}" y="{ty:.1f}" text-anchor="end" class="tick">{v:.0%}</text>'
            ).format(left, right, left - 6, y=y, ty=y + 4, v=value)
        )
    return Markup("").join(lines)


def _labels(ends: list[tuple[float, int, str, float]], x: float) -> list[Markup]:
    """Names at the curves' ends, moved apart where they would touch."""
    found, below = [], -100.0
    for y, series, name, value in sorted(ends):
        below = max(y + 4, below + 14)
        label = Markup('<text x="{}" y="{:.1f}" class="name series-{}">{} {:.1%}</text>')
        found.append(label.format(x, below, series, name, value))
    return found
