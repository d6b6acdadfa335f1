"""What of a ride cannot be what it says: copies, drawn traces, impossible motion, cars."""
