"""What all dashboards are built of: panels with a title, a unit and words, thresholds, variables and links.

Dashboards are data: `Board.built` makes Grafana's objects of them. A panel asks Prometheus in one of two ways: `Stat`,
`Bars` and `Grid` for the latest value, `Lines` and `Heat` over the time range.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TAG = "rooftree"
WIDTH = 24  # columns of a dashboard
STAT_HEIGHT, PANEL_HEIGHT = 4, 8  # rows
TENANT = 'tenant=~"$tenant"'
RANGE = "$__rate_interval"
# Of the labels that Prometheus puts on what it collects; none of them says anything to a reader.
WITHOUT_WORTH = ("Time", "__name__", "instance", "job", "namespace", "pod")
SOURCE = common_models.DataSourceRef(type_val="prometheus", uid="${datasource}")

Made = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel | heatmap.Panel
MadeT = TypeVar("MadeT", timeseries.Panel, stat.Panel, table.Panel, bargauge.Panel, heatmap.Panel)


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


@dataclass(frozen=True)
class Query:
    """An expression, and how its series are called: `{{label}}` is a label's value."""

    expr: str
    legend: str = ""
    exemplars: bool = False

    def target(self, number: int) -> prometheus.Dataquery:
        return prometheus.Dataquery().expr(self.expr).legend_format(self.legend).ref_id(chr(ord("A") + number))


def _dressed(
    made: MadeT,
    title: str,
    words: str,
    unit: str,
    *,
    width: int,
    height: int = PANEL_HEIGHT,
    steps: Steps | None = None,
) -> MadeT:
    made = made.title(title).description(words).unit(unit).datasource(SOURCE).span(width).height(height)
    return made if steps is None else made.thresholds(steps.config())


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")


class Panel(Protocol):
    """What stands in a row."""

    def made(self) -> Made: ...


@dataclass(frozen=True)
class Stat:
    """One number, in the colour of its state."""

    title: str
    asked: str | Query
    unit: str
    words: str
    steps: Steps = PLAIN
    width: int = 4
    decimals: int | None = None

    def made(self) -> stat.Panel:
        made = _dressed(
            stat.Panel(), self.title, self.words, self.unit, width=self.width, height=STAT_HEIGHT, steps=self.steps
        )
        made = made.reduce_options(_last()).graph_mode(common_models.BigValueGraphMode.NONE)
        made = made.color_mode(common_models.BigValueColorMode.VALUE)
        if self.decimals is not None:
            made = made.decimals(self.decimals)
        query = Query(self.asked) if isinstance(self.asked, str) else self.asked
        return made.with_target(query.target(0).instant())


@dataclass(frozen=True)
class Lines:
    """Lines over time; `steps` are drawn as limits, `most` is the top of a share."""

    title: str
    asked: Query | Sequence[Query]
    unit: str
    words: str
    steps: Steps | None = None
    width: int = 12
    stacked: bool = False
    most: float | None = None

    def made(self) -> timeseries.Panel:
        made = _dressed(timeseries.Panel(), self.title, self.words, self.unit, width=self.width, steps=self.steps)
        made = made.min(0).fill_opacity(30 if self.stacked else 8).line_width(1).legend(_legend())
        made = made.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
        if self.stacked:
            made = made.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
        if self.most is not None:
            made = made.max(self.most)
        if self.steps is not None:
            style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.LINE)
            made = made.thresholds_style(style)
        queries = [self.asked] if isinstance(self.asked, Query) else self.asked
        for number, query in enumerate(queries):
            made = made.with_target(query.target(number).exemplar(query.exemplars))
        return made


def _legend() -> common.VizLegendOptions:
    shown = common.VizLegendOptions().show_legend(True).display_mode(common_models.LegendDisplayMode.LIST)
    return shown.placement(common_models.LegendPlacement.BOTTOM).calcs([])


@dataclass(frozen=True)
class Bars:
    """A bar for each series, as it is now; `most` is the end of a share."""

    title: str
    asked: Query
    unit: str
    words: str
    steps: Steps = PLAIN
    width: int = 12
    most: float | None = None

    def made(self) -> bargauge.Panel:
        made = _dressed(bargauge.Panel(), self.title, self.words, self.unit, width=self.width, steps=self.steps)
        made = made.min(0).reduce_options(_last()).orientation(common_models.VizOrientation.HORIZONTAL)
        made = made.display_mode(common_models.BarGaugeDisplayMode.BASIC)
        if self.most is not None:
            made = made.max(self.most)
        return made.with_target(self.asked.target(0).instant())


@dataclass(frozen=True)
class Heat:
    """How many answers took how long, by the buckets of a histogram; `expr` sums them by `le`."""

    title: str
    expr: str
    words: str
    width: int = 12

    def made(self) -> heatmap.Panel:
        made = _dressed(heatmap.Panel(), self.title, self.words, "s", width=self.width).calculate(False)
        colours = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Blues").steps(64)
        target = Query(self.expr, "{{le}}").target(0).format(prometheus_models.PromQueryFormat.HEATMAP)
        return made.y_axis(heatmap.YAxisConfig().unit("s")).color(colours).with_target(target)


@dataclass(frozen=True)
class Column:
    """A column of a table: what it is called, what it shows of each row, in which unit."""

    title: str
    expr: str
    unit: str
    steps: Steps | None = None

    def properties(self) -> list[models.DynamicConfigValue]:
        found = [models.DynamicConfigValue("unit", self.unit)]
        if self.steps is not None:
            found.append(models.DynamicConfigValue("thresholds", self.steps.config().build()))
            found.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
        return found


@dataclass(frozen=True)
class Grid:
    """A table with a row for each value of the label `rows`; `labels` are further ones to show, with their titles.

    All columns must be summed by these labels and no others, so that their rows meet.
    """

    title: str
    columns: Sequence[Column]
    words: str
    rows: str = "tenant"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    width: int = WIDTH
    sort: str | None = None

    def made(self) -> table.Panel:
        made = _dressed(table.Panel(), self.title, self.words, "short", width=self.width, height=PANEL_HEIGHT + 2)
        for number, column in enumerate(self.columns):
            target = Query(column.expr).target(number).instant()
            made = made.with_target(target.format(prometheus_models.PromQueryFormat.TABLE))
        made = made.transformations([models.DataTransformerConfig(id_val="merge", options={}), self._organised()])
        for column in self.columns:
            made = made.override_by_name(column.title, column.properties())
        if self.rows == "tenant":
            made = made.override_by_name("Tenant", [models.DynamicConfigValue("links", [_to_tenant()])])
        by = common.TableSortByFieldState().display_name(self.sort or self.columns[0].title).desc(True)
        return made.sort_by([by])

    def _organised(self) -> models.DataTransformerConfig:
        # Grafana calls the value of the only query `Value`, and those of several `Value #A`, `Value #B` and so on.
        several = len(self.columns) > 1
        values = {
            f"Value #{chr(ord('A') + number)}" if several else "Value": column.title
            for number, column in enumerate(self.columns)
        }
        names = {self.rows: self.rows.capitalize(), **self.labels, **values}
        options = {
            "excludeByName": dict.fromkeys(WITHOUT_WORTH, True),
            "indexByName": {name: number for number, name in enumerate(names)},
            "renameByName": names,
        }
        return models.DataTransformerConfig(id_val="organize", options=options)


def _to_tenant() -> dict[str, str]:
    address = f"/d/{uid('tenant')}?var-tenant=${{__value.raw}}&var-datasource=${{datasource}}&${{__url_time_range}}"
    return {"title": "Open the tenant", "url": address}


def uid(name: str) -> str:
    """The address of a dashboard, which never changes."""
    return f"rooftree-{name}"


@dataclass(frozen=True)
class Link:
    """To a page that is no dashboard. The chart says where Grafana's readers find it, or leaves it out."""

    title: str
    words: str
    url: str

    def made(self) -> dashboard.DashboardLink:
        link = dashboard.DashboardLink(self.title).type(models.DashboardLinkType.LINK).tooltip(self.words)
        return link.url(self.url).icon("external link").tags([]).target_blank(True).placement("")


# For dashboards with one tenant.
REPLAY = Link(
    "Replay the last hour",
    "The same requests through other policies and settings of scaling: what each costs, and how many are late.",
    "/replay?tenant=${tenant}",
)


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Board:
    """A dashboard; `tenants`: whether `one`, `several` or `none` can be chosen."""

    name: str
    title: str
    words: str
    rows: Sequence[Row]
    tenants: str = "several"
    since: str = "now-1h"
    links: Sequence[Link] = ()

    def built(self) -> models.Dashboard:
        made = dashboard.Dashboard(self.title).uid(uid(self.name)).description(self.words).tags([TAG]).readonly()
        made = made.time(self.since, "now").refresh("30s").timezone("browser").link(_link())
        for link in self.links:
            made = made.link(link.made())
        made = made.tooltip(models.DashboardCursorSync.CROSSHAIR).with_variable(_source_variable())
        if self.tenants != "none":
            made = made.with_variable(_tenant_variable(several=self.tenants == "several"))
        number = 0
        for row in self.rows:
            number += 1
            made = made.with_row(dashboard.Row(row.title).id(number))
            for panel in row.panels:
                number += 1
                made = made.with_panel(panel.made().id(number))
        return made.build()


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
