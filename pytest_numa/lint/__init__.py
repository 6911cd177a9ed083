"""What is wrong with a unit, before it is started: its lines, the host, and what undoes them."""
