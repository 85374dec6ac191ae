"""`python -m tests.servers`: bring what the tests need and does not come with a wheel, or say what is in the way."""

import os
import sys

from .binaries import controlplane
from .errors import CannotBuild

if "KUBECONFIG_TEST" not in os.environ:
    try:
        controlplane()
    except CannotBuild as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the next build goes on from here")
