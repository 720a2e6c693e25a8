# filename: summarise_north.py
import csv
import json
import statistics
from pathlib import Path

with open("measurements.csv", newline="") as file:
    temperatures = [float(row["temperature"]) for row in csv.DictReader(file)]

summary = {
    "station": "north",
    "altitude_m": 410,
    "count": len(temperatures),
    "mean": round(statistics.mean(temperatures), 2),
    "maximum": max(temperatures),
}
Path("north_summary.json").write_text(json.dumps(summary, indent=2) + "\n")
print("Saved to north_summary.json")
print("mean:", summary["mean"])