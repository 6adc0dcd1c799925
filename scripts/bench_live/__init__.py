"""`make bench-scaling-live`: policies of scaling on real pods. `docs/scaling-evaluation.md` tells how to read it."""
