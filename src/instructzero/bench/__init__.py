"""Methods × tasks × models × seeds: cells that are run once and kept, statistics over them, and figures."""
