"""Motion stored beside clips: optical flow and point tracks, written when a corpus is made, read when it is used."""
