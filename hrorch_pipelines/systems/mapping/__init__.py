"""From raw records to canonical ones: every field mapping of the stack file, compiled into one SQL statement.

What a value means is declared in `stack.mapping`; reading systems is the rest of `systems`; trusting is `snapshots`.
"""

from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.errors import FieldFault, MappingFault
from hrorch_pipelines.systems.mapping.run import MappedCounts, map_records

__all__ = ["FaultCode", "FieldFault", "MappedCounts", "MappingFault", "map_records"]
