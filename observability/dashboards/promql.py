"""Expressions that several dashboards ask for, so that each is written and understood once.

Where something has not happened yet there is no series; `or_zero` makes it the 0 that it means, for as long as there is
anybody of whom it could be said.
"""

from dashboards.blocks import RANGE, TENANT

# One series a pod, of one job only: Prometheus may collect from a pod twice.
PODS = f"count by (tenant) (process_start_time_seconds{{{TENANT}}})"
IN_FLIGHT = f"sum by (tenant) (max by (tenant, namespace, pod) (http_server_active_requests{{{TENANT}}}))"
SERVER_SECONDS = "rooftree_span_seconds_total"


def rate(metric: str, labels: str = TENANT, over: str = RANGE) -> str:
    """A second, of a counter."""
    return f"rate({metric}{{{labels}}}[{over}])"


def total(by: str, expr: str) -> str:
    """The sum by labels; without any, of all."""
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"


def or_zero(expr: str, of: str) -> str:
    """0 for each of `of` that `expr` says nothing of; both are summed by the same labels."""
    return f"{expr} or 0 * {of}"


def or_none(expr: str) -> str:
    """0 where there is nothing at all; `expr` has no labels."""
    return f"{expr} or vector(0)"


def or_named(expr: str, **labels: str) -> str:
    """0 under these labels where there is nothing at all."""
    nothing = "vector(0)"
    for label, value in labels.items():
        nothing = f'label_replace({nothing}, "{label}", "{value}", "", "")'
    return f"{expr} or ({nothing} unless on () ({expr}))"


def share(part: str, whole: str) -> str:
    """0 to 1; where the whole is 0, so is the share."""
    return f"({part}) / ({whole} > 0) or 0 * {whole}"


def quantile(part: float, metric: str, by: str = "tenant", labels: str = TENANT) -> str:
    """What so large a part of all stayed under."""
    summed = total(f"{by}, le" if by else "le", rate(f"{metric}_bucket", labels))
    return f"histogram_quantile({part:g}, {summed})"


# What visitors got: where modules have pods of their own, what the gateway handed on counts in both.
VISITS = f'{TENANT}, module=""'
# Told by each process from its start on: a kind of answers that it did not give before would count as none.
ANSWERED, FAILED = "http_server_request_duration_seconds_count", "http_server_errors_total"
REQUESTS = total("tenant", rate(ANSWERED, VISITS))
ERRORS = or_zero(total("tenant", rate(FAILED, VISITS)), REQUESTS)
EVERYBODY = 'tenant!="", module=""'
EVERYBODYS_REQUESTS = or_none(total("", rate(ANSWERED, EVERYBODY)))
EVERYBODYS_ERRORS = or_none(total("", rate(FAILED, EVERYBODY)))
