"""Rooftree's operator: one Brokerage resource in, one running and isolated tenant out."""
