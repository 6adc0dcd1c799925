"""A replay as JSON, for programs. Pure."""

import json
from itertools import pairwise
from typing import Any

from . import words
from .replayed import Replay, Row


def document(replay: Replay) -> bytes:
    """Times are Unix seconds; `pods` are pairs of seconds since `from` and the count from then on."""
    span, service, question = replay.trace.span, replay.service, replay.question
    return json.dumps(
        {
            "tenant": question.tenant,
            "module": question.module,
            "from": span.begun + span.warm_up,
            "until": span.until,
            "secondsMeasured": replay.seconds,
            "secondsNotMeasured": span.seconds - span.warm_up - replay.seconds,
            "assumed": {
                "demandSeconds": service.demand,
                "objectiveSeconds": service.objective,
                "allowedShare": replay.allowed,
                "startSeconds": service.start,
                "floor": service.floor,
                "ceiling": service.ceiling,
            },
            "summary": words.summary(replay),
            "notes": words.notes(replay),
            "policies": [_row(row, replay) for row in replay.rows],
        }
    ).encode()


def _row(row: Row, replay: Replay) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "coreHours": round(row.core_hours, 4),
        "savedCoreHours": round(replay.was.core_hours - row.core_hours, 4),
        "requests": round(row.requests),
        "late": round(row.late, 2),
        "lateShare": round(row.late_share, 6),
        "worstMinuteShare": round(row.worst, 6),
        "keepsObjective": replay.keeps(row),
        "changes": row.changes,
        "mostPods": row.most,
        "pods": [[0, row.pods[0]], *([at, b] for at, (a, b) in enumerate(pairwise(row.pods), 1) if a != b)],
    }
