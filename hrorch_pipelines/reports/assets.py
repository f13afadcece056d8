"""Dagster's door to this room: the published copy and the HTML report, which close a cycle."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.reports.page import write_page
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.warehouse import open_published, publish
from hrorch_pipelines.workplace import Workplace

GROUP = "publish"


def _published_warehouse(after: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "warehouse"],
        deps=[
            ["reconcile", "rates"],
            ["reconcile", "bridge"],
            ["reconcile", "landings"],
            ["exceptions", "cases"],
            *after,
        ],
        group_name=GROUP,
        kinds={"duckdb"},
        description="The read-only copy that reports, BI tools and people read; replaced whole, by rename.",
        pool="warehouse",
    )
    def published_warehouse(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        """Finish the cycle and publish it."""
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            require_receipts(con, workplace.stack, cycle)
            cycles.finish(con, cycle)
        path = publish(workplace.home)
        return dg.MaterializeResult(metadata={"bytes": path.stat().st_size, "cycle": cycle.cycle_id})

    return published_warehouse


@dg.asset(
    key=["published", "report"],
    deps=[["published", "warehouse"]],
    group_name=GROUP,
    kinds={"altair", "html"},
    description="One self-contained page: rates over time, causes, what to do and who does it.",
)
def html_report(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
    """Write the page beside the published copy."""
    with open_published(workplace.home) as con:
        report = workplace.home.published.parent / "report.html"
        path = write_page(con, workplace.stack, report, workplace.ledger)
    return dg.MaterializeResult(metadata={"bytes": path.stat().st_size, "report": dg.MetadataValue.path(str(path))})


def publish_assets(after: Sequence[dg.AssetKey] = ()) -> list[dg.AssetsDefinition]:
    """Both. `after`: what else a cycle has to do before it is finished."""
    return [_published_warehouse(after), html_report]
