"""From a path to plain documents: files, their JSON or YAML, and the manifests of cloud assemblies."""
