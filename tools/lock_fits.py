"""Tell by the exit status whether requirements.lock was made for this Python."""

import platform
import re
import sys
from pathlib import Path

lock = Path(__file__).parent.parent / "requirements.lock"
made_with = re.search(r"with Python (\d+\.\d+)", lock.read_text(encoding="utf-8"))
here = (platform.system(), "{}.{}".format(*sys.version_info))
sys.exit(here != ("Linux", made_with and made_with[1]))
