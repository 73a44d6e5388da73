"""What a deployment costs a month and how long it takes, from its templates and from dated prices."""
