"""Listings after the RESO Data Dictionary: feed import, search, photos."""
