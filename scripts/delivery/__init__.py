"""How a change is brought to its users: licences, SBOMs, chart, deployment, and the pipeline that runs it all."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
