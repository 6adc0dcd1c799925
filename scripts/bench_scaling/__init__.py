"""`make bench-scaling`: policies in one simulated world. `docs/scaling-evaluation.md` tells how to read it."""
