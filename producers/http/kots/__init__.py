"""The routes and JSON of the KOTS admin console, so that what was written for it goes on working."""
