"""How the bytes of a remote video reach this machine: http(s), object stores, YouTube; one module a protocol.

Every protocol writes a `Partial`, which turns into the finished file by a rename, asks `Hosts` for its turn, and says
`FetchFault` when it cannot go on.
"""
