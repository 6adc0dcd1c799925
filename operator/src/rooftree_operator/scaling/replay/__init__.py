"""A world of one workload in which policies are compared: the same requests for each. Pure.

`world` has the requests, the replicas and the queue; `ours` is the policy of this package, `hpa`, `keda` and `kpa` are
ports of Kubernetes', KEDA's and Knative's autoscalers, which see what those would see: late, and averaged.
"""
