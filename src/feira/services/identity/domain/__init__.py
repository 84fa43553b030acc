"""Decisions about users and sessions: pure and synchronous."""
