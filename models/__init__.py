"""The laws, one file each. A file here that defines `law` is a law that bayesq knows."""
