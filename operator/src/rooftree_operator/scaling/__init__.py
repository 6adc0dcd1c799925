"""How many replicas a workload shall have, from its arrivals and what a request takes. Pure: no I/O in here.

`erlang` has the formulas, `demand` what a request takes when nobody waits, `policy` one decision for one workload,
`signals` the query for all workloads and its answer, `replay` a world in which policies are compared.
"""
