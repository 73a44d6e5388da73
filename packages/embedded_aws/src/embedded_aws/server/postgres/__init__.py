"""The PostgreSQL behind an Aurora cluster: programs, servers, endpoints, and clusters of servers."""
