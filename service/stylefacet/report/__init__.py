"""A report of the whole catalogue for a merchandiser, as one HTML file."""

from stylefacet.report.making import ReportFacts, ReportOptions, make_report

__all__ = ["ReportFacts", "ReportOptions", "make_report"]
