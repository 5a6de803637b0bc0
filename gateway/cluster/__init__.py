"""Nodes, leases and takeover. One node is a cluster of one: it holds and renews its lease too."""
