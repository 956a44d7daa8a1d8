"""Stand-ins for the provider and the mailer, for laptops and tests.

They keep everything in memory and are always in a good mood: every call is answered in
the documented form, at once or after a fixed latency.
"""
