"""The demonstration: a company, its customers and the servers they write through."""
