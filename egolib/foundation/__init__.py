"""What every package may use: errors, files, progress, processes, jobs, digests of code."""
