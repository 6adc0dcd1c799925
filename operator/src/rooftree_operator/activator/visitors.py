"""Whose requests wake nobody: crawlers, previews of links, and whoever only asks whether something answers. Pure.

They are told by their User-Agent, in the words with which they name themselves: crawlers in their operators' pages
(Google's "Overview of Google crawlers and fetchers", Bing's "Which crawlers does Bing use", Apple's "About Applebot",
Meta's "Meta web crawlers") and in the collection github.com/monperrus/crawler-user-agents, where nearly all contain
`bot`, `crawl` or `spider`; probes in the manuals of Kubernetes, the clouds' balancers and the monitoring services.
Programs (curl, browsers' scripts, clients of the API) wake: somebody waits for their answer. Who lies about it wakes,
too, as a visitor would: that costs a start, and the brokerage sleeps again.
"""

import re

ROBOTS = "/robots.txt"
# Of the operator when it asks the edge whether a brokerage's address is served.
OPERATOR_AGENT = "rooftree-operator"

# A `bot` at the end of a word, or before a version: not the one in CUBOT, a maker of telephones.
_CRAWLERS = (
    r"(?<!cu)bot\b",
    r"crawl",
    r"spider",
    r"slurp",
    r"mediapartners-google",
    r"feedfetcher-google",
    r"apis-google",
    r"google-inspectiontool",
    r"ia_archiver",
    r"facebookexternalhit",
    r"skypeuripreview",
)
_PROBES = (
    r"kube-probe/",
    r"googlehc/",
    r"elb-healthchecker/",
    r"amazon-route53-health-check-service",
    r"edge health probe",
    r"uptimerobot/",
    r"pingdom",
    r"statuscake",
    r"site24x7",
    r"check_http/",
    r"blackbox exporter/",
    r"prometheus/",
    rf"{OPERATOR_AGENT}\b",
)
_UNWAKING = re.compile("|".join((*_CRAWLERS, *_PROBES)), re.IGNORECASE)


def wakes(user_agent: str) -> bool:
    """Whether a request with this User-Agent is one that somebody waits for."""
    return _UNWAKING.search(user_agent) is None
