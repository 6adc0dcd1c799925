"""`make bench-scaling`: policies of scaling in one simulated world. `docs/scaling-evaluation.md` tells how to read it."""
