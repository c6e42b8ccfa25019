"""Batch APIs: many requests to a service at once, answered within a day at a lower price."""
