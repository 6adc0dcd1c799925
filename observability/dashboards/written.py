"""The dashboards as the JSON that people read, and the same in short as the chart brings it to Grafana; and the rules.

Helm reads nothing that lies outside of a chart; so it has a copy of what it brings.
"""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import api, capacity, database, fleet, kafka, platform_operator, scaling, search, slo, tenant

GENERATED = Path(__file__).parent / "generated"
RULES = Path(__file__).parents[1] / "rules"
CHART = Path(__file__).resolve().parents[2] / "charts" / "rooftree"
IN_CHART, RULES_IN_CHART = CHART / "dashboards", CHART / "rules"
# In the order in which they are offered: from all brokerages to one, then its parts.
BOARDS = (
    fleet.BOARD,
    slo.BOARD,
    tenant.BOARD,
    api.BOARD,
    scaling.BOARD,
    capacity.BOARD,
    database.BOARD,
    kafka.BOARD,
    search.BOARD,
    platform_operator.BOARD,
)


def texts() -> dict[str, str]:
    """Each dashboard's file by its name."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{board.name}.json": encoder.encode(board.built()) + "\n" for board in BOARDS}


def short(text: str) -> str:
    """The same without what only people need."""
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")) + "\n"


def rules() -> dict[str, str]:
    """Each file of rules by its name."""
    return {path.name: path.read_text() for path in RULES.glob("*.yaml")}


def write() -> None:
    """Writes all, and removes what is no dashboard or no rule any more."""
    wanted = texts()
    _write(GENERATED, wanted)
    _write(IN_CHART, {name: short(text) for name, text in wanted.items()})
    _write(RULES_IN_CHART, rules())


def _write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text)
