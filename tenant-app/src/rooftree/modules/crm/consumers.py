"""What crm does with events: colleagues who leave or change, offices that go."""

from rooftree.kernel.consumers import Consumer
from rooftree.modules.crm.departures import Departures


def consumers(departures: Departures) -> tuple[Consumer, ...]:
    return (departures.consumer(),)
