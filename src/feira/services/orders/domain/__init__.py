"""Decisions about orders: pure and synchronous."""
