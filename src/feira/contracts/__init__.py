"""The published language: every message a service sends, one file a producing service.

Contracts are additive: fields are only added; a new meaning is a `.v2` beside the `.v1`.
"""
