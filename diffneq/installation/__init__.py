"""Whether this installation computes right numbers: known bad releases, and checks on this machine."""
