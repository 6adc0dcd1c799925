"""`kubectl brokerage`: what people ask of brokerages, in one word each.

It reads through `kubectl proxy`, with the reader's own kubeconfig, rights and flags, and what changes something is a
command of kubectl itself. Rendering is pure. Nothing here is loaded before it is needed: a list shall show at once.
"""
