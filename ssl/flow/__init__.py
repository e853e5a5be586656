"""Networks that estimate optical flow, with weights that others published."""
