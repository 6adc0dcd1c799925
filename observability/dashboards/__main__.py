"""Writes what Grafana, the chart and the viewer read: `python -m dashboards`."""

from dashboards.written import write

if __name__ == "__main__":
    write()
