"""How programs are compiled, kept and shared by the processes of a machine. Nothing here knows of evolution."""
