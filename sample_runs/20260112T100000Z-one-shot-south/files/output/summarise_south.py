# filename: summarise_south.py
import csv
import json
import statistics
from pathlib import Path

with open("measurements.csv", newline="") as file:
    temperatures = [float(row["temperature"]) for row in csv.DictReader(file)]

summary = {
    "station": "south",
    "altitude_m": 35,
    "count": len(temperatures),
    "mean": round(statistics.mean(temperatures), 2),
    "maximum": max(temperatures),
}
Path("south_summary.json").write_text(json.dumps(summary, indent=2) + "\n")
print("Saved to south_summary.json")
print("mean:", summary["mean"])