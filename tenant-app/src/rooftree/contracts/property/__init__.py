"""Listings and the feeds they come from, as other modules see them."""
