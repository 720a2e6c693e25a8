# filename: summarise_east.py
import csv
import json
import statistics
from pathlib import Path

with open("measurements.csv", newline="") as file:
    temperatures = [float(row["temperature"]) for row in csv.DictReader(file)]

summary = {
    "station": "east",
    "altitude_m": 120,
    "count": len(temperatures),
    "mean": round(statistics.mean(temperatures), 2),
    "maximum": max(temperatures),
}
Path("east_summary.json").write_text(json.dumps(summary, indent=2) + "\n")
print("Saved to east_summary.json")
print("mean:", summary["mean"])