"""What the emulator lacks, one module per AWS service; each has `install()`, which registers its types."""
