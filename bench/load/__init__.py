"""Traffic, in processes of its own.

Each is started by ``control.generators``, told what to do by JSON lines on stdin, and answers
each with one on stdout.
"""
