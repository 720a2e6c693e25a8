"""Recordings of real AG2 agents whose language model is scripted, and the command that makes them again.

Each folder beside this file that holds a `journal.jsonl` is a run. `python -m sample_runs.record` makes them anew.
The package is not installed with the others: it is for the demo and the tests.
"""
