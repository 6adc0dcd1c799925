"""Bulk imports and exports: what modules that have them share. Nothing here knows a module or its records."""
