"""Large deviations of time-integrated currents: tilted generators and their leading eigenvalues."""

from diffneq.large_deviations.eigenvalue import leading_eigenvalue, leading_eigenvector

__all__ = ["leading_eigenvalue", "leading_eigenvector"]
