"""Runs a module of a workspace as a process: its code comes from there, never from the checkout.

`python -m emulators.cloud.workspace_process FOLDER WORKSPACE NAME ISSUER MODULE ARGUMENT…`. The
module `emulators.stack.function_process` is the one exception: it serves the workspace's functions,
behind Cloud Run's check of who may invoke NAME.
"""

import os
import runpy
import sys
from pathlib import Path

import jwt

from emulators.cloud.folder import Folder
from emulators.cloud.invoker_check import App, InvokerCheck
from emulators.cloud.specs import FUNCTION
from emulators.stack import function_process

CHECKOUT = str(Path(__file__).resolve().parents[2])


def main() -> int:
    """Become the module; returns its exit status."""
    _, place, workspace, name, issuer, module, *arguments = sys.argv
    os.chdir(workspace)
    # An installed checkout stands on the path too: what an archive lacks must be missing.
    sys.path[:] = [workspace, *(path for path in sys.path if path not in ("", CHECKOUT))]
    sys.argv = [module, *arguments]
    if module != FUNCTION:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return 0

    def guarded(app: App) -> App:
        keys = jwt.PyJWKClient(f"{issuer}/oauth2/v3/certs")
        return InvokerCheck(app, name, Folder(Path(place)), keys)

    return function_process.main(guarded)


if __name__ == "__main__":
    sys.exit(main())
