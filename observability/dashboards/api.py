"""The HTTP API: rate, errors and duration, by brokerage and by route."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import promql
from dashboards.blocks import (
    TENANT,
    Column,
    Query,
    Row,
    board,
    grid,
    heat,
    lines,
    low_is_good,
    none_is_good,
    stat_panel,
)
from dashboards.promql import or_named, or_none, or_zero, quantile, rate, total

BY_ROUTE = total("method, route", rate("http_server_requests_total"))
FAILED = f'{TENANT}, status="5xx"'
REFUSED = f'{TENANT}, status="4xx"'


def build() -> Dashboard:
    return board(
        "api",
        "Rooftree / API",
        "Rate, errors and duration of the API, by brokerage and by route.",
        [
            Row("Is it well?", _well()),
            Row("By brokerage", _tenants()),
            Row("By route", _routes()),
            Row("What stands before the database", _before()),
        ],
    )


def _well() -> list:
    asked = or_none(total("", rate("http_server_requests_total")))
    failed = or_none(total("", rate("http_server_requests_total", FAILED)))
    return [
        stat_panel("Requests", asked, "reqps", "Answers a second of the chosen brokerages."),
        stat_panel(
            "Errors",
            f"({failed}) / clamp_min(({asked}), 1e-9)",
            "percentunit",
            "Share of the answers that are errors (5xx).",
            steps=low_is_good(0.001, 0.0144),
            decimals=2,
        ),
        stat_panel(
            "p50",
            f"max({quantile(0.5, 'http_server_request_duration_seconds', '')}) >= 0 or vector(0)",
            "s",
            "What half of the answers stay under; 0 while nobody asks.",
            steps=low_is_good(0.2, 0.5),
        ),
        stat_panel(
            "p99",
            f"max({quantile(0.99, 'http_server_request_duration_seconds', '')}) >= 0 or vector(0)",
            "s",
            "What 99 of 100 answers stay under; 0 while nobody asks.",
            steps=low_is_good(0.5, 1),
        ),
        stat_panel(
            "In flight",
            or_none(f"sum({promql.IN_FLIGHT})"),
            "short",
            "Requests that are being answered at this moment.",
        ),
        stat_panel(
            "Refused for their number",
            or_none(total("", rate("rooftree_rate_limits_total", f'{TENANT}, result="refused"'))),
            "reqps",
            "Requests a second that get 429, because their sender asks more than the plan allows.",
            steps=none_is_good("yellow"),
        ),
    ]


def _tenants() -> list:
    return [
        lines("Requests", Query(promql.REQUESTS, "{{tenant}}"), "reqps", "Answers a second by brokerage."),
        lines(
            "Errors",
            Query(promql.share(promql.ERRORS, promql.REQUESTS), "{{tenant}}"),
            "percentunit",
            "Share of the answers that are errors (5xx), by brokerage.",
            steps=low_is_good(0.001, 0.0144),
        ),
        heat(
            "How long answers take",
            total("le", rate("http_server_request_duration_seconds_bucket")),
            "How many answers took how long. Two bands: two kinds of requests, or one that waits now and then.",
        ),
        lines(
            "p99",
            Query(quantile(0.99, "http_server_request_duration_seconds"), "{{tenant}}", exemplars=True),
            "s",
            "What 99 of 100 answers stay under, by brokerage. Points are single requests whose trace was kept.",
            steps=low_is_good(0.5, 1),
        ),
    ]


def _routes() -> list:
    spans = f'{TENANT}, span_kind="SPAN_KIND_SERVER"'
    slowest = quantile(0.99, "traces_span_metrics_duration_seconds", "http_route", spans)
    return [
        lines(
            "Busiest routes",
            Query(f"topk(10, {BY_ROUTE})", "{{method}} {{route}}"),
            "reqps",
            "The ten routes that are asked most. `other`: those that came after the first sixty kinds of answers.",
            width=8,
        ),
        lines(
            "Slowest routes",
            Query(or_named(f"topk(10, {slowest} >= 0)", http_route="none"), "{{http_route}}"),
            "s",
            "What 99 of 100 answers of a route stay under: the ten slowest, by the spans that the collector gets.",
            steps=low_is_good(0.5, 1),
            width=8,
        ),
        lines(
            "Answers by class of status",
            Query(total("status", rate("http_server_requests_total")), "{{status}}"),
            "reqps",
            "Answers a second: 2xx done, 3xx elsewhere or unchanged, 4xx refused, 5xx failed.",
            stacked=True,
            width=8,
        ),
        grid(
            "Routes",
            [
                Column(
                    "Errors",
                    or_zero(total("method, route", rate("http_server_requests_total", FAILED)), BY_ROUTE),
                    "reqps",
                    none_is_good(),
                ),
                Column(
                    "Refused",
                    or_zero(total("method, route", rate("http_server_requests_total", REFUSED)), BY_ROUTE),
                    "reqps",
                ),
                Column("Requests", BY_ROUTE, "reqps"),
            ],
            "Each route with its errors (5xx) and refusals (4xx), those with errors first. The log has the trace of "
            "each error: docs/runbooks/app.md#appfailing.",
            rows="route",
            labels={"method": "Method"},
        ),
    ]


def _before() -> list:
    return [
        lines(
            "Reads of the cache",
            Query(or_named(total("result", rate("rooftree_cache_requests_total")), result="hit"), "{{result}}"),
            "ops",
            "hit: found; miss: asked elsewhere; away: Redis did not answer, and the request went on without it.",
            stacked=True,
        ),
        lines(
            "Limits of requests",
            Query(or_named(total("result", rate("rooftree_rate_limits_total")), result="refused"), "{{result}}"),
            "ops",
            "refused: answered with 429; unchecked: let through, because nobody could count.",
        ),
    ]
