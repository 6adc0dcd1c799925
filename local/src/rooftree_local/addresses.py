"""Addresses inside a stack. Every stack has the same ones: each lives in a network namespace of its own."""

NODE_IP = "10.200.0.1"
NODE_NAME = "local"
SERVICE_CIDR = "10.96.0.0/16"
KUBERNETES_SERVICE_IP = "10.96.0.1"
POD_CIDR = "10.244.0.0/22"
SIMULATED_POD_CIDR = "10.128.0.0/16"  # of pods that do not run, where there are thousands
POD_GATEWAY = "10.244.0.1"  # from here the host speaks to pods
CLUSTER_DOMAIN = "cluster.local"

EDGE_DOMAIN = "rooftree.localhost"
EDGE_PORT = 8443
APISERVER_PORT = 6443
POSTGRES_PORT = 5432
STANDBY_PORT = 5433
KAFKA_PORT = 9092
KAFKA_CONTROLLER_PORT = 9093
ELASTICSEARCH_PORT = 9200
REDIS_PORT = 6379
S3_PORT = 7070
SMTP_PORT = 2525
MAIL_PAGE_PORT = 8025
OTLP_PORT = 4318
TRACES_PORT = 16686
SPAN_METRICS_PORT = 8889
PROMETHEUS_PORT = 9090
ALERTMANAGER_PORT = 9094
METRICS_SERVER_PORT = 4443

# The checkout's state folder and the cache appear here inside the stack's mount namespace, so that no configuration
# depends on where the checkout is, and servers that run as another user can reach them even under /root.
STATE = "/run/rooftree/state"
CACHE = "/run/rooftree/cache"
