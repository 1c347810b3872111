"""What goes into others' monitoring: a dashboard for Grafana, alert rules for Prometheus. Files of this package."""

from __future__ import annotations

from importlib.resources import files

DASHBOARD = "grafana.json"
ALERTS = "alerts.yaml"


def monitoring_file(name: str) -> str:
    """The text of `DASHBOARD` or `ALERTS`."""
    return (files(__package__) / name).read_text(encoding="utf-8")
