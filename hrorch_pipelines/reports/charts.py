"""Charts of the page as SVG: Altair describes them, vl-convert draws them; both are imported late. Colours fit every eye.

What is drawn comes from `breakdowns`; each function also says the chart in words, for whoever cannot see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hrorch_pipelines.reconcile.bridge import UNEXPLAINED
from hrorch_pipelines.reconcile.intervals import ENOUGH
from hrorch_pipelines.reports.breakdowns import Cause, Day, Place, worst
from hrorch_pipelines.reports.plain import printable
from hrorch_pipelines.reports.words import attribute_label, cause_label, percent, some, system_label
from hrorch_pipelines.stack.models import Stack

if TYPE_CHECKING:
    import altair as alt

INK, QUIET, BLUE, ORANGE, RED = "#1b2330", "#5b6675", "#1f5fa8", "#b8500c", "#a3172a"
_GRID = "#e4e8ee"
_WIDTH = 860


@dataclass(frozen=True)
class Chart:
    """A drawing and the same in words."""

    svg: str
    words: str


def rates_chart(days: list[Day], time_zone: str) -> Chart:
    """M2 over time with its 95 % band, and M1's bounds beside it. Needs two days or more."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "at": _wall_clock(day.now, time_zone),
            "M2": day.m2,
            "M2 low": day.m2_low,
            "M2 high": day.m2_high,
            "M1 at least": day.m1_low,
            "M1 at most": day.m1_high,
            "part": bool(day.note),
            "label": percent(day.m2, 2),
        }
        for day in days
    ]
    data = alt.InlineData(values=rows)
    ticks = [row["at"] for row in rows] if len(rows) <= 8 else alt.Undefined
    axis = alt.Axis(format="%d %b", labelAngle=0, values=ticks, title=None, grid=False)
    across = alt.X("at:T", axis=axis, scale=alt.Scale(type="utc", padding=24))
    discrepancies = _panel(alt, data, across, ("M2", "M2 low", "M2 high"), BLUE, "Discrepancy rate (M2), 95 % band")
    typed = _panel(
        alt, data, across, (None, "M1 at least", "M1 at most"), ORANGE, "Typed by hand (M1), at least to at most"
    )
    labels = (
        alt.Chart(data)
        .mark_text(dy=-12, color=INK, fontWeight="bold")
        .encode(x=across, y="M2:Q", text="label:N")
        .transform_filter("isValid(datum.M2)")
    )
    left = discrepancies + labels if len(rows) <= 8 else discrepancies
    words = "; ".join(f"{day.as_of.isoformat()}: {percent(day.m2, 2)}" for day in days[-8:])
    return Chart(
        _draw(alt.hconcat(left, typed, spacing=75, bounds="flush")),
        f"Discrepancy rate over {some(len(days), 'day')}. {words}.",
    )


def _panel(alt: Any, data: Any, across: Any, names: tuple[str | None, str, str], color: str, title: str) -> Any:
    """One band over time, with a line where there is a single best figure; hollow points leave stale systems out."""
    line, low, high = names
    share = alt.Axis(format=".1%", title=None, tickCount=5)
    width = (_WIDTH - 130) // 2
    band = (
        alt.Chart(data, title=title, width=width, height=220)
        .mark_area(opacity=0.22, color=color, line={"color": color, "strokeWidth": 1, "opacity": 0.5})
        .encode(x=across, y=alt.Y(f"{low}:Q", axis=share, scale=alt.Scale(zero=True)), y2=f"{high}:Q")
        .transform_filter(f"isValid(datum['{low}'])")
    )
    if line is None:
        ends = alt.Chart(data).mark_rule(color=color, strokeWidth=2).encode(x=across, y=f"{low}:Q", y2=f"{high}:Q")
        return band + ends.transform_filter(f"isValid(datum['{low}'])")
    drawn = alt.Chart(data).encode(x=across, y=f"{line}:Q").transform_filter(f"isValid(datum['{line}'])")
    fill = alt.condition("datum.part", alt.value("white"), alt.value(color))
    return (
        band
        + drawn.mark_line(color=color)
        + drawn.mark_point(size=55, color=color, strokeWidth=2, opacity=1).encode(fill=fill)
    )


def causes_chart(causes: list[Cause]) -> Chart:
    """How many values each cause explains, the commonest first."""
    import altair as alt

    rows: list[dict[str, Any]] = [{"cause": _text(cause_label(cause.cause)), "values": cause.cells} for cause in causes]
    order = [row["cause"] for row in rows]
    base = alt.Chart(alt.InlineData(values=rows), width=_WIDTH - 300, height=alt.Step(24)).encode(
        x=alt.X("values:Q", axis=None), y=alt.Y("cause:N", sort=order, title=None, axis=_names(alt, 280))
    )
    bars = base.mark_bar(color=BLUE, height={"band": 0.72})
    labels = base.mark_text(align="left", dx=5, color=INK).encode(text=alt.Text("values:Q", format=","))
    words = ", ".join(f"{cause_label(cause.cause).lower()} {cause.cells:,}" for cause in causes[:8])
    return Chart(_draw(bars + labels), f"Disagreeing values by cause: {words}.")


def heat_chart(found: list[Place], stack: Stack) -> Chart:
    """Disagreeing share per attribute and copy system; a blank is nothing to compare."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "system": _text(system_label(stack, place.system)),
            "attribute": _text(attribute_label(stack, place.attribute)),
            "share": place.wrong / place.comparable,
            "told": (percent(place.wrong / place.comparable) if place.wrong else "0")
            + (" *" if place.comparable < ENOUGH else ""),
            "few": place.comparable < ENOUGH,
        }
        for place in found
    ]
    columns = [_text(system_label(stack, name)) for name in stack.systems]
    lines = [_text(attribute_label(stack, name)) for name in stack.attributes]
    most = max((row["share"] for row in rows if not row["few"]), default=0) or 1
    base = alt.Chart(alt.InlineData(values=rows), width=_WIDTH - 210, height=alt.Step(25)).encode(
        x=alt.X(
            "system:N",
            sort=columns,
            title=None,
            axis=alt.Axis(orient="top", labelAngle=0, labelLimit=160, domain=False),
        ),
        y=alt.Y("attribute:N", sort=lines, title=None, axis=_names(alt, 190)),
    )
    shade = alt.Scale(domain=[0, most], range=["#fdf3ea", "#f0a361", "#9c3d06"], interpolate="lab", clamp=True)
    pale = alt.condition("datum.few", alt.value("#fbf1e6"), alt.Color("share:Q", scale=shade, legend=None))
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(color=pale)
    none = base.mark_rect(stroke="white", strokeWidth=2, color="#eef1f5").transform_filter("datum.share == 0")
    dark = alt.condition(f"datum.share > {0.8 * most} && !datum.few", alt.value("white"), alt.value(INK))
    shown = base.mark_text().encode(text="told:N", color=dark)
    top = "; ".join(
        f"{attribute_label(stack, place.attribute)} in {system_label(stack, place.system)} "
        f"{percent(place.wrong / place.comparable)} of {place.comparable:,}"
        for place in worst(found, 5)
    )
    return Chart(
        _draw(cells + none + shown),
        f"Share of values that disagree, by attribute and system. Highest: {top or 'none'}.",
    )


def bridge_chart(steps: list[tuple[str, int, int]]) -> Chart:
    """One headcount bridge as a waterfall: (reason, signed count, running total), first and last are head counts.

    The axis begins near the smallest total: steps of three heads among thousands would not be seen otherwise.
    """
    import altair as alt

    last = len(steps) - 1
    lowest, highest = min(step[2] for step in steps), max(step[2] for step in steps)
    begins = max(0, lowest - max(3, round((highest - lowest) * 0.25)))
    rows: list[dict[str, Any]] = []
    for place, (reason, count, running) in enumerate(steps):
        total = place in {0, last}
        start = begins if total else running - count
        kind = "total" if total else "unexplained" if reason == UNEXPLAINED else "more" if count > 0 else "fewer"
        told = f"{running:,}" if total else f"{count:+,}".replace("-", "−") if count else "0"
        end = max(start, running)
        rows.append({"step": _text(reason), "from": start, "to": running, "end": end, "kind": kind, "told": told})
    order = [row["step"] for row in rows]
    data = alt.InlineData(values=rows)
    down = alt.Y("step:N", sort=order, title=None, axis=_names(alt, 300))
    heads = alt.Scale(domain=[begins, highest + max(1, (highest - begins) * 0.08)], nice=False, zero=False)
    colours = alt.Scale(domain=["total", "more", "fewer", "unexplained"], range=[QUIET, BLUE, ORANGE, RED])
    bars = (
        alt.Chart(data, width=_WIDTH - 330, height=alt.Step(26))
        .mark_bar(height={"band": 0.7}, minBandSize=2)
        .encode(
            x=alt.X("from:Q", scale=heads, axis=alt.Axis(title=None, tickCount=5, format=",d")),
            x2="to:Q",
            y=down,
            color=alt.Color("kind:N", scale=colours, legend=None),
        )
    )
    labels = (
        alt.Chart(data)
        .mark_text(align="left", dx=6, color=INK)
        .encode(x=alt.X("end:Q", scale=heads), y=down, text="told:N")
    )
    words = "; ".join(f"{row['step']} {row['told']}" for row in rows)
    return Chart(_draw(bars + labels), f"Headcount bridge. {words}.")


def _names(alt: Any, limit: int) -> Any:
    return alt.Axis(labelLimit=limit, domain=False, ticks=False, labelPadding=8)


def _wall_clock(moment: datetime, time_zone: str) -> str:
    """The moment as the organization's clock shows it, told as if in UTC, so that the drawing machine's zone cannot matter."""
    return moment.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(text: str) -> str:
    return printable(text)


def _draw(chart: alt.Chart | alt.LayerChart | alt.HConcatChart) -> str:
    """The SVG. Raises ValueError (vl-convert's) for a specification that is none: a bug of ours."""
    import vl_convert

    font = "Helvetica, Arial, sans-serif"
    looks = {
        "font": font,
        "background": "white",
        "view": {"stroke": None},
        "axis": {"labelFontSize": 12, "labelColor": INK, "gridColor": _GRID, "tickColor": _GRID, "domainColor": _GRID},
        "text": {"fontSize": 12},
        "title": {"fontSize": 13, "color": INK, "anchor": "start", "fontWeight": "bold"},
    }
    spec = {**chart.to_dict(), "config": looks}
    return str(vl_convert.vegalite_to_svg(spec))
