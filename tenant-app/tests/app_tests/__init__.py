"""Tests of the tenant app."""
