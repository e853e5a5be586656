"""Which clips of a corpus show the same thing, found with memory that does not grow with the corpus.

| file | what |
|---|---|
| `film` | a clip as a tiny film of 32 numbers a sample, four samples a second, and as text |
| `matching` | whether two films show the same thing, and where one begins in the other |
| `buckets` | keys that films of the same thing share, so that not all pairs are compared |
| `partitions`, `external_sort` | records and lines on disk, read back a part or a line at a time |
| `catalogue`, `pairs`, `decisions` | clips in order of priority, who meets whom, what became of each; all on disk |
| `duplicates` | the decision over all clips |
| `signed`, `dedup_config` | what goes in, what comes out, what counts as a duplicate |
| `held_out` | films of evaluation videos |
| `signature_table` | what a later run must know of the clips of a dataset |
"""
