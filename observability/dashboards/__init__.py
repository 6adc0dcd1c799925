"""Grafana dashboards as code: one file a dashboard, what they share in `blocks`.

`python -m dashboards` (with PYTHONPATH=observability; `make dashboards`) writes `generated/*.json`.
"""
