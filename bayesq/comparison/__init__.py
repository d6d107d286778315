"""Which law holds: what each foretells of rows that it has not seen, and averages over laws."""
