"""An edge that answers for the deployments that are up."""

from rooftree_operator.adapters.edge import Answer
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, ROUTE

from .kubernetes import FakeKubernetes


class FakeEdge:
    """Looks the host up among the routes, as the real one does."""

    def __init__(self, kube: FakeKubernetes) -> None:
        self._kube = kube

    async def version(self, host: str, port: int) -> Answer:
        for (kind, namespace, _), route in self._kube.objects.items():
            if kind == ROUTE.kind and host in route["spec"]["hostnames"]:
                app = self._kube.find(DEPLOYMENT, "app", namespace)
                if app is None or not app.get("status"):
                    return Answer(f"https://{host}:{port}/version answers 503")
                env = {e["name"]: e.get("value", "") for e in app["spec"]["template"]["spec"]["containers"][0]["env"]}
                return Answer("", env["ROOFTREE_TENANT_ID"], env["ROOFTREE_VERSION"])
        return Answer(f"https://{host}:{port}/version answers 404")
