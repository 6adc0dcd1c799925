"""Contracts over gRPC: a servicer and a client for each module. Nothing else touches `rooftree_pb`."""

import os

# Before the library loads: what it writes to stderr by itself is no line of our log.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
