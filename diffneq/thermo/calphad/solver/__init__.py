"""The batched search for the stable phases. The batch is the last axis of every array, energies are in units of R T."""
