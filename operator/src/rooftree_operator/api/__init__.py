"""The resources that people write: typed models, from which `python -m rooftree_operator.api.generate` writes `crds/`."""

GROUP = "rooftree.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
