"""`make new-module`: writes a domain module of the app that passes every check, in the style of the others.

What a module is made of are files in `templates`, whose `§words` are replaced; where it has to be registered says
`registries`. Nothing is written before all of it is known to fit, and what was written goes again when something fails.
"""
