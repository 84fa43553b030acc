"""Benchmarks: what Feira does on this machine, beside what the machine could do at all.

Figures of one run are compared with each other, never with those of another machine or day.
"""
