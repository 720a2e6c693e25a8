import json
from pathlib import Path

fit = json.loads(Path("fit.json").read_text())
Path("report.md").write_text(f"# Daily wave\n\nAmplitude: {fit['amplitud']}\n")
print("Saved to report.md")