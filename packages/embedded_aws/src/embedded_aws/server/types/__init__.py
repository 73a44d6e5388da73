"""Resource types, one module for each AWS service; its `install()` registers them."""
