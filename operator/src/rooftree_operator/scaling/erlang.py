"""How many servers a queue needs: Erlang's formulas for M/M/n. Pure.

Arrivals are Poisson, and each is served by one of n equal servers for an exponential time, first come, first served.
Two numbers without a unit describe it: `offered`, which is arrivals a second times seconds of service (servers that are
busy on average), and `patience`, which is the objective over the seconds of service. The recursion for the share of
blocked requests is stable for any n; what is asked for one n costs n steps, and so does the inverse.
Source: L. Kleinrock, Queueing Systems I, 3.5; the time in the system: D. Gross, C. Harris, 2.3.
"""

from math import exp, sqrt

# Closer to one server of spare, and the difference of two exponentials is its derivative.
_ALIKE = 1e-9


def waiting(servers: int, offered: float) -> float:
    """Share of requests that find every server busy (Erlang C): 1 where servers do not suffice, 0 to 1."""
    if offered <= 0.0:
        return 0.0
    if offered >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return servers * blocked / (servers - offered * (1.0 - blocked))


def over(servers: int, offered: float, patience: float) -> float:
    """Share of requests that take longer than the objective, waiting and service together, 0 to 1."""
    if offered >= servers:
        return 1.0
    return _over(servers, offered, patience, waiting(servers, offered))


def allowed(patience: float, budget: float) -> float:
    """The share that may be over: `budget`, and where service alone takes more than half of it, that and half of it.

    So there is always a number of servers that suffices: no number makes service itself shorter.
    """
    return max(budget, exp(-patience) + budget / 2.0)


def servers_for(offered: float, patience: float, *, budget: float, utilisation: float = 1.0, most: int = 1000) -> int:
    """The fewest servers, 1 to `most`, with which no more than `allowed` are over and none is busier than that.

    `budget` is a share, above 0; `most` is given where none suffices.
    """
    if offered <= 0.0:
        return 1
    share = allowed(patience, budget)
    blocked, count = 1.0, 0
    # Fewer do not even keep up.
    for count in range(1, min(int(offered), most) + 1):
        blocked = offered * blocked / (count + offered * blocked)
    while count < most:
        count += 1
        blocked = offered * blocked / (count + offered * blocked)
        if offered > utilisation * count:
            continue
        waits = count * blocked / (count - offered * (1.0 - blocked))
        if _over(count, offered, patience, waits) <= share:
            return count
    return most


def queueing(servers: int, utilisation: float) -> float:
    """The mean wait in seconds of service, near enough and at once (Sakasegawa 1977); `utilisation` below 1."""
    return utilisation ** (sqrt(2.0 * (servers + 1)) - 1.0) / (servers * (1.0 - utilisation))


def _over(servers: int, offered: float, patience: float, waits: float) -> float:
    """P(T > objective): service alone, and the wait of those who have to, of rate `servers - offered`."""
    alone, spare = exp(-patience), servers - 1.0 - offered
    if abs(spare) < _ALIKE:
        return alone + waits * patience * alone
    return alone + waits * (alone - exp(-patience * (servers - offered))) / spare
