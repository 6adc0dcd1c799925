"""Contracts over gRPC: a servicer and a client for each module. Nothing else touches `rooftree_pb`."""
