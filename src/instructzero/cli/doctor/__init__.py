"""The command ``doctor``: checks of the installation, and one real question to the model of each role."""
