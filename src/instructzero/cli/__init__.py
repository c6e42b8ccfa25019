"""The command line: `main` puts the commands together, ``commands`` holds one module for each group of them."""
