"""Ask a venue's REST interface: what a request is, how a time range is paged, what an answer means.

A venue describes its calls with frozen values and judges its answers; it never sends anything. `RestClient`
does, once for all venues.
"""
