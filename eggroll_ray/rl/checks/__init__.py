"""Checks that environments keep their contract: `check_env` and `check_host_env`."""
