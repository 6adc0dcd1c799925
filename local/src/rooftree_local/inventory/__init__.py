"""All that exists of a tenant, looked up in every system itself: by the names it would have and by its ownership mark.

It shares no code with the operator, so that a test can trust it to see what the operator overlooks.
"""
