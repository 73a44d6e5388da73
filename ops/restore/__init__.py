"""Restores beside what is deployed: a plan of requests that carries over what a restore by itself would lose."""
