"""Generated from proto/stylefacet/v1 by `poe proto`; do not edit."""
