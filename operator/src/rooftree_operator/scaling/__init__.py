"""How many replicas a workload shall have, from its arrivals and what a request takes.

`erlang` has the formulas, `demand` what a request takes when nobody waits, `policy` one decision for one workload,
`signals` the query for all workloads and its answer, `limits` what a Deployment says of itself, `idle` and `idleness`
when a tenant may fall asleep, `replay` a world in which policies are compared: all pure. `scaler` asks, decides and
declares.
"""
