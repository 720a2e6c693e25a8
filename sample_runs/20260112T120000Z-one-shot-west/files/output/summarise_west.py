# filename: summarise_west.py
import csv
import json
import statistics
from pathlib import Path

with open("measurements.csv", newline="") as file:
    temperatures = [float(row["temperature"]) for row in csv.DictReader(file)]

summary = {
    "station": "west",
    "altitude_m": 260,
    "count": len(temperatures),
    "mean": round(statistics.mean(temperatures), 2),
    "maximum": max(temperatures),
}
Path("west_summary.json").write_text(json.dumps(summary, indent=2) + "\n")
print("Saved to west_summary.json")
print("mean:", summary["mean"])