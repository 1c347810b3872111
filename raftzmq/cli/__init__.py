"""The command line: click for the words, rich for tables on a terminal, and nothing loaded that a command doesn't use.

`main` knows every command by name and loads its module when it is called. `options` holds what commands share,
`output` all that leaves the process: results on standard output, errors as one sentence on standard error.

Exit codes: 0 ok, 1 error, 2 usage, 3 key not found, 4 precondition failed, 5 cluster unhealthy, 7 definitely not
applied (for a read: no answer), 8 may have been applied; of `node` and `collector`: 10 configuration or identity,
11 storage, 12 directory in use, 13 broken invariant.
"""
