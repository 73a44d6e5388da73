"""One model of a whole assembly: stacks, resources, and values resolved as far as the templates allow."""
