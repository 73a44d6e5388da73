"""`make local`: the whole platform, deployed by the real `cdk` CLI into an embedded AWS on this machine."""
