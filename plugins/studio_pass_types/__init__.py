"""The four pass types that come with studio-reservations.

They enter as any other plugin does: by the entry points of the group ``studio_reservations.pass_types``.
"""

from studio_pass_types.drop_in import DropIn
from studio_pass_types.full_course import FullCourse
from studio_pass_types.punch_pass import PunchPass
from studio_pass_types.unlimited_series import UnlimitedSeries

__all__ = ["DropIn", "FullCourse", "PunchPass", "UnlimitedSeries"]
