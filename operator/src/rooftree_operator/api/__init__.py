"""The resources that people write, as typed models; `python -m rooftree_operator.api.generate` makes `crds/`."""

GROUP = "rooftree.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
