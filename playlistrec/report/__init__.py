"""Pictures of data and runs, and a report of them in one HTML file (extra ``plots``)."""
