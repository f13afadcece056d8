"""How all tests are run: properties draw the same examples every time, so that a red run is about the change at hand.

`make test-long` sets HRORCH_EXPLORE, and then they draw new ones: what that finds becomes an `@example`.
"""

from __future__ import annotations

from hypothesis import settings

from hrorch_tests.drawing import EXPLORING

settings.register_profile("steady", derandomize=True)
settings.register_profile("exploring", derandomize=False, print_blob=True)
settings.load_profile("exploring" if EXPLORING else "steady")
