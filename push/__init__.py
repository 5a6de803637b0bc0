"""Real-time push to desktops: a projection of committed events onto each agent's stream."""
