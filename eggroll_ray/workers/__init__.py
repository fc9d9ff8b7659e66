"""Workers: the messages they exchange with the driver, what one worker does, and how the driver manages many."""
