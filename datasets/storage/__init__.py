"""Where the bytes of collections lie: a folder, a web server, an object store."""
