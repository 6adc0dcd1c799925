"""Counterfactual replay: a workload's last hours again, through other policies and settings of scaling, side by side.

`question` is what is asked, `recorded` what Prometheus knows of that time, `replayed` what each policy would have done
in the world of `scaling.replay`; `page`, `picture`, `words` and `told` say so: all pure. `server` asks and answers. It
reads one Prometheus and nothing else, and changes nothing.
"""
