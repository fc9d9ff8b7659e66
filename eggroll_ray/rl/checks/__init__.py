"""The contract of an environment, checked: `check_env` and `check_host_env`."""
