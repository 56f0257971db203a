"""What pages show, as plain values: read with queries inside one snapshot, nothing here writes."""
