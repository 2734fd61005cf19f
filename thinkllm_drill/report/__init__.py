"""Reports as HTML: one self-contained file each, without scripts and without the network."""
