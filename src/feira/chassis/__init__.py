"""What every service stands on: the lane, inbox, outbox, relay, transports, HTTP, telemetry.

It knows no service and no business noun.
"""
