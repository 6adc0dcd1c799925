"""Generated from `tenant-app/proto` by `make gen`: do not edit."""
