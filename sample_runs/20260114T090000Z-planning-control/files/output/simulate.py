# filename: simulate.py
import csv
import math

with open("day.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["hour", "temperature"])
    for hour in range(24):
        table.writerow([hour, round(10 + 6 * math.sin((hour - 8) * math.pi / 12), 3)])
print("Saved to day.csv")