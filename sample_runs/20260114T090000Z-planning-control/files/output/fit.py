# filename: fit.py
import csv
import json
import math

with open("day.csv", newline="") as file:
    values = [float(row["temperature"]) for row in csv.DictReader(file)]

sine = sum(v * math.sin(2 * math.pi * i / 24) for i, v in enumerate(values)) / 12
cosine = sum(v * math.cos(2 * math.pi * i / 24) for i, v in enumerate(values)) / 12
fit = {"mean": round(sum(values) / 24, 3), "amplitude": round(math.hypot(sine, cosine), 3)}
with open("fit.json", "w") as file:
    json.dump(fit, file)
print("Saved to fit.json")
print(fit)