"""The channels. ``table()`` lists the kinds; others join by the entry point ``switchroom.channels``."""
