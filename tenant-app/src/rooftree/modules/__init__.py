"""One folder for each bounded context. Modules never import modules."""
