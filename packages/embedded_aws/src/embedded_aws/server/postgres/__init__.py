"""A real PostgreSQL behind an Aurora cluster of the embedded AWS: servers, endpoints, clusters of them."""
