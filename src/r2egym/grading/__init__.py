"""From a patch to a reward."""

from r2egym.grading.grade import Grader
from r2egym.grading.published import parse_summary, published_name, published_reward, published_statuses
from r2egym.grading.runs import GradeOptions
from r2egym.grading.surface import Surface, divide, is_control_path
from r2egym.grading.swebench import official_report

__all__ = [
    "GradeOptions",
    "Grader",
    "Surface",
    "divide",
    "is_control_path",
    "official_report",
    "parse_summary",
    "published_name",
    "published_reward",
    "published_statuses",
]
