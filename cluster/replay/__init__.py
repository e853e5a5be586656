"""One stage alone: its inputs saved in a folder, run again by today's code, compared with what came out before."""
