"""The HTTP API: rate, errors and duration, by brokerage and by route."""

from dashboards import promql
from dashboards.blocks import TENANT, Board, Column, Grid, Heat, Lines, Query, Row, Stat, low_is_good, none_is_good
from dashboards.promql import VISITS, or_named, or_none, or_zero, quantile, rate, total

BY_ROUTE = total("method, route", rate("http_server_requests_total"))
FAILED = f'{TENANT}, status="5xx"'
REFUSED = f'{TENANT}, status="4xx"'


ASKED = or_none(total("", rate(promql.ANSWERED, VISITS)))
ALL_FAILED = or_none(total("", rate(promql.FAILED, VISITS)))
WELL = [
    Stat("Requests", ASKED, "reqps", "Answers a second of the chosen brokerages."),
    Stat(
        "Errors",
        f"({ALL_FAILED}) / clamp_min(({ASKED}), 1e-9)",
        "percentunit",
        "Share of the answers that are errors (5xx).",
        steps=low_is_good(0.001, 0.0144),
        decimals=2,
    ),
    Stat(
        "p50",
        f"max({quantile(0.5, 'http_server_request_duration_seconds', '', VISITS)}) >= 0 or vector(0)",
        "s",
        "What half of the answers stay under; 0 while nobody asks.",
        steps=low_is_good(0.2, 0.5),
    ),
    Stat(
        "p99",
        f"max({quantile(0.99, 'http_server_request_duration_seconds', '', VISITS)}) >= 0 or vector(0)",
        "s",
        "What 99 of 100 answers stay under; 0 while nobody asks.",
        steps=low_is_good(0.5, 1),
    ),
    Stat(
        "In flight",
        or_none(f"sum({promql.IN_FLIGHT})"),
        "short",
        "Requests that are being answered at this moment.",
    ),
    Stat(
        "Refused for their number",
        or_none(total("", rate("rooftree_rate_limits_total", f'{TENANT}, result="refused"'))),
        "reqps",
        "Requests a second that get 429, because their sender asks more than the plan allows.",
        steps=none_is_good("yellow"),
    ),
]

TENANTS = [
    Lines("Requests", Query(promql.REQUESTS, "{{tenant}}"), "reqps", "Answers a second by brokerage."),
    Lines(
        "Errors",
        Query(promql.share(promql.ERRORS, promql.REQUESTS), "{{tenant}}"),
        "percentunit",
        "Share of the answers that are errors (5xx), by brokerage.",
        steps=low_is_good(0.001, 0.0144),
    ),
    Heat(
        "How long answers take",
        total("le", rate("http_server_request_duration_seconds_bucket", VISITS)),
        "How many answers took how long. Two bands: two kinds of requests, or one that waits now and then.",
    ),
    Lines(
        "p99",
        Query(quantile(0.99, "http_server_request_duration_seconds", labels=VISITS), "{{tenant}}", exemplars=True),
        "s",
        "What 99 of 100 answers stay under, by brokerage. Points are single requests whose trace was kept.",
        steps=low_is_good(0.5, 1),
    ),
]

SPANS = f'{TENANT}, span_kind="SPAN_KIND_SERVER"'
SLOWEST = quantile(0.99, "traces_span_metrics_duration_seconds", "http_route", SPANS)
ROUTES = [
    Lines(
        "Busiest routes",
        Query(f"topk(10, {BY_ROUTE})", "{{method}} {{route}}"),
        "reqps",
        "The ten routes that are asked most. `other`: those after the first 43 kinds of answers of a process.",
        width=8,
    ),
    Lines(
        "Slowest routes",
        Query(or_named(f"topk(10, {SLOWEST} >= 0)", http_route="none"), "{{http_route}}"),
        "s",
        "What 99 of 100 answers of a route stay under: the ten slowest, by the spans that the collector gets.",
        steps=low_is_good(0.5, 1),
        width=8,
    ),
    Lines(
        "Answers by class of status",
        Query(total("status", rate("http_server_requests_total", VISITS)), "{{status}}"),
        "reqps",
        "Answers a second: 2xx done, 3xx elsewhere or unchanged, 4xx refused, 5xx failed.",
        stacked=True,
        width=8,
    ),
    Grid(
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

BEFORE = [
    Lines(
        "Reads of the cache",
        Query(or_named(total("result", rate("rooftree_cache_requests_total")), result="hit"), "{{result}}"),
        "ops",
        "hit: found; miss: asked elsewhere; away: Redis did not answer, and the request went on without it.",
        stacked=True,
    ),
    Lines(
        "Limits of requests",
        Query(or_named(total("result", rate("rooftree_rate_limits_total")), result="refused"), "{{result}}"),
        "ops",
        "refused: answered with 429; unchecked: let through, because nobody could count.",
    ),
]

BOARD = Board(
    "api",
    "Rooftree / API",
    "Rate, errors and duration of the API, by brokerage and by route.",
    [
        Row("Is it well?", WELL),
        Row("By brokerage", TENANTS),
        Row("By route", ROUTES),
        Row("What stands before the database", BEFORE),
    ],
)
