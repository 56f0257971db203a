#!/usr/bin/env python3
"""Makes an admin account: `python scripts/create_admin.py --email … [--name …] [--password-stdin]`.

The same as `python -m app create-admin`; asks for the password twice on a terminal.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["create-admin", *sys.argv[1:]]))
