"""How fast: generations, layers, compiling, memory."""
