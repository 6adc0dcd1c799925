"""The embedded local stack: installs, starts, stops and inspects a real cluster and its backends."""
