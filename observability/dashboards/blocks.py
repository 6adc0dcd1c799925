"""What all dashboards are built of: panels with a title, a unit and words, thresholds, variables and links.

A panel asks Prometheus in one of two ways: `stat`, `bars` and `table` for the latest value, `lines` and `heat` over the
time range. Ids are given by `board`, so that they are the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

if TYPE_CHECKING:
    from collections.abc import Sequence

TAG = "rooftree"
WIDTH = 24  # columns of a dashboard
STAT_HEIGHT, PANEL_HEIGHT = 4, 8  # rows
TENANT = 'tenant=~"$tenant"'
RANGE = "$__rate_interval"
# Of the labels that Prometheus puts on what it collects; none of them says anything to a reader.
WITHOUT_WORTH = ("Time", "__name__", "instance", "job", "namespace", "pod")

Panel = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel | heatmap.Panel
PanelT = TypeVar("PanelT", timeseries.Panel, stat.Panel, table.Panel, bargauge.Panel, heatmap.Panel)


@dataclass(frozen=True)
class Query:
    """An expression, and how its series are called: `{{label}}` is a label's value."""

    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: what it is called, what it shows of each row, in which unit."""

    title: str
    expr: str
    unit: str
    steps: Steps | None = None


@dataclass(frozen=True)
class Steps:
    """Colours by value: `first` below the first limit, then each limit's own."""

    first: str
    limits: tuple[tuple[float, str], ...] = ()

    def config(self) -> dashboard.ThresholdsConfig:
        steps = [models.Threshold(value=None, color=self.first)]
        steps += [models.Threshold(value=value, color=color) for value, color in self.limits]
        return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def low_is_good(warn: float, bad: float) -> Steps:
    return Steps("green", ((warn, "yellow"), (bad, "red")))


def high_is_good(bad: float, warn: float) -> Steps:
    """Red below `bad`, yellow below `warn`."""
    return Steps("red", ((bad, "yellow"), (warn, "green")))


def at_least(good: float) -> Steps:
    """Green from there on, else red."""
    return Steps("red", ((good, "green"),))


def none_is_good(colour: str = "red") -> Steps:
    """Green is 0; anything above has the colour."""
    return Steps("green", ((1e-9, colour),))


PLAIN = Steps("blue")
SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")


def _dressed(panel: PanelT, title: str, words: str, unit: str, *, width: int, height: int = PANEL_HEIGHT) -> PanelT:
    return panel.title(title).description(words).unit(unit).datasource(SOURCE).span(width).height(height)


def _target(number: int, query: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + number))


def _queries(asked: str | Query | Sequence[Query]) -> Sequence[Query]:
    if isinstance(asked, str):
        return [Query(asked)]
    return [asked] if isinstance(asked, Query) else asked


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")


def stat_panel(
    title: str,
    asked: str | Query,
    unit: str,
    words: str,
    *,
    steps: Steps = PLAIN,
    width: int = 4,
    decimals: int | None = None,
) -> stat.Panel:
    """One number, in the colour of its state."""
    panel = _dressed(stat.Panel(), title, words, unit, width=width, height=STAT_HEIGHT)
    panel = panel.thresholds(steps.config()).reduce_options(_last())
    panel = panel.graph_mode(common_models.BigValueGraphMode.NONE).color_mode(common_models.BigValueColorMode.VALUE)
    if decimals is not None:
        panel = panel.decimals(decimals)
    for number, query in enumerate(_queries(asked)):
        panel = panel.with_target(_target(number, query).instant())
    return panel


def lines(
    title: str,
    asked: Query | Sequence[Query],
    unit: str,
    words: str,
    *,
    steps: Steps | None = None,
    width: int = 12,
    stacked: bool = False,
    most: float | None = None,
) -> timeseries.Panel:
    """Lines over time; `steps` are drawn as limits, `most` is the top of a share."""
    panel = _dressed(timeseries.Panel(), title, words, unit, width=width).min(0)
    panel = panel.fill_opacity(30 if stacked else 8).line_width(1)
    panel = panel.legend(_legend()).tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if most is not None:
        panel = panel.max(most)
    if steps is not None:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.LINE)
        panel = panel.thresholds(steps.config()).thresholds_style(style)
    for number, query in enumerate(_queries(asked)):
        panel = panel.with_target(_target(number, query).exemplar(query.exemplars))
    return panel


def _legend() -> common.VizLegendOptions:
    shown = common.VizLegendOptions().show_legend(True).display_mode(common_models.LegendDisplayMode.LIST)
    return shown.placement(common_models.LegendPlacement.BOTTOM).calcs([])


def bars(
    title: str, asked: Query, unit: str, words: str, *, steps: Steps = PLAIN, width: int = 12, most: float | None = None
) -> bargauge.Panel:
    """A bar for each series, as it is now."""
    panel = _dressed(bargauge.Panel(), title, words, unit, width=width).min(0)
    panel = panel.thresholds(steps.config()).reduce_options(_last())
    panel = panel.orientation(common_models.VizOrientation.HORIZONTAL)
    panel = panel.display_mode(common_models.BarGaugeDisplayMode.BASIC)
    if most is not None:
        panel = panel.max(most)
    return panel.with_target(_target(0, asked).instant())


def heat(title: str, expr: str, words: str, *, width: int = 12) -> heatmap.Panel:
    """How many answers took how long, by the buckets of a histogram; `expr` sums them by `le`."""
    panel = _dressed(heatmap.Panel(), title, words, "s", width=width).calculate(False)
    panel = panel.y_axis(heatmap.YAxisConfig().unit("s"))
    colours = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Blues").steps(64)
    target = _target(0, Query(expr, "{{le}}")).format(prometheus_models.PromQueryFormat.HEATMAP)
    return panel.color(colours).with_target(target)


def grid(
    title: str,
    columns: Sequence[Column],
    words: str,
    *,
    rows: str = "tenant",
    labels: dict[str, str] | None = None,
    width: int = WIDTH,
    sort: str | None = None,
) -> table.Panel:
    """A table with a row for each value of the label `rows`; `labels` are further ones to show, with their titles.

    All columns must be summed by these labels and no others, so that their rows meet.
    """
    panel = _dressed(table.Panel(), title, words, "short", width=width, height=PANEL_HEIGHT + 2)
    for number, column in enumerate(columns):
        target = _target(number, Query(column.expr)).instant().format(prometheus_models.PromQueryFormat.TABLE)
        panel = panel.with_target(target)
    panel = panel.transformations([_merged(), _organised(columns, {rows: rows.capitalize(), **(labels or {})})])
    for column in columns:
        panel = panel.override_by_name(column.title, _properties(column))
    if rows == "tenant":
        panel = panel.override_by_name("Tenant", [models.DynamicConfigValue("links", [_to_tenant()])])
    by = common.TableSortByFieldState().display_name(sort or columns[0].title).desc(True)
    return panel.sort_by([by])


def _merged() -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val="merge", options={})


def _organised(columns: Sequence[Column], labels: dict[str, str]) -> models.DataTransformerConfig:
    # Grafana calls the value of the only query `Value`, and those of several `Value #A`, `Value #B` and so on.
    values = [f"Value #{chr(ord('A') + number)}" for number in range(len(columns))] if len(columns) > 1 else ["Value"]
    names = {**labels, **{value: column.title for value, column in zip(values, columns, strict=True)}}
    options = {
        "excludeByName": dict.fromkeys(WITHOUT_WORTH, True),
        "indexByName": {name: number for number, name in enumerate(names)},
        "renameByName": names,
    }
    return models.DataTransformerConfig(id_val="organize", options=options)


def _properties(column: Column) -> list[models.DynamicConfigValue]:
    found = [models.DynamicConfigValue("unit", column.unit)]
    if column.steps is not None:
        found.append(models.DynamicConfigValue("thresholds", column.steps.config().build()))
        found.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return found


def _to_tenant() -> dict[str, str]:
    address = f"/d/{uid('tenant')}?var-tenant=${{__value.raw}}&var-datasource=${{datasource}}&${{__url_time_range}}"
    return {"title": "Open the tenant", "url": address}


def uid(name: str) -> str:
    """The address of a dashboard, which never changes."""
    return f"rooftree-{name}"


def _source_variable() -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")


def _tenant_variable(*, several: bool) -> dashboard.QueryVariable:
    """Chooses by the operator's list, in which tenants without pods are, too."""
    asked: dict[str, object] = {"query": "label_values(rooftree_operator_brokerage_info, tenant)", "refId": "tenants"}
    variable = dashboard.QueryVariable("tenant").label("Tenant").datasource(SOURCE).query(asked)
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable = variable.sort(models.VariableSort.ALPHABETICAL_ASC)
    # Not `.*`: that would also find what belongs to no tenant.
    return variable.multi(True).include_all(True).all_value(".+") if several else variable.multi(False)


def _link() -> dashboard.DashboardLink:
    """All other dashboards, with the tenant and the time that are looked at."""
    link = dashboard.DashboardLink("Rooftree").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).keep_time(True).include_vars(True).icon("external link").placement("")


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


def board(
    name: str,
    title: str,
    words: str,
    rows: Sequence[Row],
    *,
    tenants: str = "several",
    since: str = "now-1h",
) -> dashboard.Dashboard:
    """A dashboard; `tenants`: whether `one`, `several` or `none` can be chosen."""
    made = dashboard.Dashboard(title).uid(uid(name)).description(words).tags([TAG]).readonly()
    made = made.time(since, "now").refresh("30s").timezone("browser").link(_link())
    made = made.tooltip(models.DashboardCursorSync.CROSSHAIR).with_variable(_source_variable())
    if tenants != "none":
        made = made.with_variable(_tenant_variable(several=tenants == "several"))
    number = 0
    for row in rows:
        number += 1
        made = made.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            made = made.with_panel(panel.id(number))
    return made
