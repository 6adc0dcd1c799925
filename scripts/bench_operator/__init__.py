"""`make bench-operator`: what the operator does with many brokerages. `docs/bench-operator.md` tells how to read it."""
