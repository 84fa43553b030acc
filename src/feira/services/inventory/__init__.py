"""Stock items, reservations and movements: what there is, and what is promised (I2, I4, B7)."""
