"""Scripts that measure the package and draw the figures of its documentation."""
