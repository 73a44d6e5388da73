"""A load balancer that balances: what the API of Elastic Load Balancing declares is served on loopback.

All of it runs on an event loop of its own, in one thread; `service.running()` may be used from any other.
"""
