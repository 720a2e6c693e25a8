"""Files that prose and tool results name: one text a case."""

from __future__ import annotations

import pytest

from ingest.extractors import extract_text

# (what the case is about, text, what is found: `w` for written, `m` for mentioned)
CASES: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("saved to", "Figure saved to out/fig.png", [("w", "out/fig.png")]),
    ("saved to, quoted", "Data saved to 'results.csv'.", [("w", "results.csv")]),
    ("saved as, backticks", "I saved the table as `table_1.tex`, as asked.", [("w", "table_1.tex")]),
    ("saved in bold", "The plot was saved to **plot.png**", [("w", "plot.png")]),
    ("written to", "Wrote 12 rows. Output written to /tmp/out/rows.jsonl", [("w", "/tmp/out/rows.jsonl")]),
    ("created file", "Created file: report.md", [("w", "report.md")]),
    ("output file", "Output file: data/clean.parquet (3 MB)", [("w", "data/clean.parquet")]),
    ("generated", "Successfully generated summary.pdf.", [("w", "summary.pdf")]),
    ("was created", "The file model.pkl was created.", [("w", "model.pkl")]),
    ("has been saved", "`scores.csv` has been saved.", [("w", "scores.csv")]),
    ("downloaded", "Downloaded data.zip", [("w", "data.zip")]),
    ("unknown extension", "Checkpoint saved to run/best.weights1", [("w", "run/best.weights1")]),
    ("list of files", "Saved: a.png, `b.png` and c.png.", [("w", "a.png"), ("w", "b.png"), ("w", "c.png")]),
    ("saved and read", "Saved a.csv after reading b.csv", [("w", "a.csv"), ("m", "b.csv")]),
    ("long extension", "5.0M model.safetensors", [("m", "model.safetensors")]),
    ("request to save", "Please save the script as `run.py` and execute it.", [("m", "run.py")]),
    ("will be saved", "The result will be saved to result.csv", [("m", "result.csv")]),
    ("not saved", "Could not open data.csv", [("m", "data.csv")]),
    ("mention", "Load `train.csv` and look at config.yaml", [("m", "train.csv"), ("m", "config.yaml")]),
    ("path in parentheses", "the inputs (a.csv, b.csv) are small", [("m", "a.csv"), ("m", "b.csv")]),
    ("several dots", "see data.v2.final.csv and archive.tar.gz", [("m", "data.v2.final.csv"), ("m", "archive.tar.gz")]),
    ("sentence end", "It is in notes.txt. Then stop.", [("m", "notes.txt")]),
    ("attached", "The attached file path is: ../in/a-1.xlsx.\n", [("m", "../in/a-1.xlsx")]),
    ("home folder", "in ~/data/a.ipynb", [("m", "~/data/a.ipynb")]),
    ("Windows path", r"saved to C:\Users\me\a.csv", [("w", r"C:\Users\me\a.csv")]),
    ("listing", "a.csv\nMy Notes 2024.pdf\nb.csv\n", [("m", "a.csv"), ("m", "My Notes 2024.pdf"), ("m", "b.csv")]),
    ("quoted blanks", 'found the PDF "Annual Report.pdf" there', [("m", "Annual Report.pdf")]),
    ("ls -l", "-rw-r--r-- 1 u g 19 Dec 1 10:00 run.log", [("m", "run.log")]),
    ("JSON", '{"path": "out/a.json", "ok": true}', [("m", "out/a.json")]),
    ("escaped line end", r'{"text": "run\npython go.py"}', [("m", "go.py")]),
    ("local link", "[log.txt](file:///data/log.txt)", [("m", "/data/log.txt")]),
    ("sandbox link", "[get it](sandbox:/mnt/data/a.csv)", [("m", "/mnt/data/a.csv")]),
    ("picture link", "![fig](figs/a.png)", [("m", "figs/a.png")]),
    ("escaped underscore", r"open my\_file.txt now", [("m", "my_file.txt")]),
    ("code in prose", "call `df.to_csv('x.csv')` first", [("m", "x.csv")]),
    ("shell in prose", "run `python analyse.py --fast`", [("m", "analyse.py")]),
    ("twice", "a.csv was read. Later saved to a.csv", [("w", "a.csv")]),
    ("address", "see https://e.org/a/b.pdf and http://x.y/z.html?q=1.csv", []),
    ("address without scheme", "at www.e.org/a.pdf or e.com/index.html", []),
    ("linked file", "[paper.pdf](https://e.org/paper.pdf)", []),
    ("wiki", "(/wiki/File:Tower_bridge.jpg) and File:Bridge.png", []),
    ("picture of a page", "![x](/assets/img/logo.png)", []),
    ("breadcrumb", "https://e.org \u203a files \u203a Paper.pdf - PDF", []),
    ("seed pattern's trap", "The answer is: from the file: or path", []),
    ("abbreviations", "e.g. the U.S. data, i.e. v1.2, Fig. 3.a", []),
    ("numbers", "It costs 3.50 or 1.000.000 at 10.30", []),
    ("products", "Use Node.js, Vue.js and socket.io", []),
    ("modules", "np.mat, os.path, torch.nn, json.load, request.json, console.log", []),
    ("call", "then plt.fig.html() and model.json()", []),
    ("bare extension", "a .csv file or *.png files, in .docx format", []),
    ("template", "plots/frame_{i}.png and $OUT.csv", []),
    ("mail", "write to jane@host.zip or a.b@c.md", []),
    ("traceback", 'File "/usr/lib/python3.11/json/__init__.py", line 3, in load\n  File "run.py", line 2', []),
    ("library warning", "/opt/v/lib/python3.11/site-packages/a/b.py:12: UserWarning: x", []),
    ("library log", "I core/util/port.cc:153] oneDNN is on", []),
    ("code block", "Here:\n```python\nopen('inner.txt', 'w')\n```\nthen see outer.txt", [("m", "outer.txt")]),
    ("two code blocks", "```py\na('1.csv')\n```\nmid.csv\n```sh\ncat 2.csv\n```\n", [("m", "mid.csv")]),
    ("file pattern", "file: notes/today.md", [("w", "notes/today.md")]),
    ("error with a colon", "Error reading file: a.csv", [("m", "a.csv")]),
    ("no dot", "nothing to see here", []),
    ("HTML", "<a href=\"x/page.html\"><img src='i.png'></a>", []),
    ("wiki file with blanks", "[[File:Big old tower.jpg|thumb]]", []),
    ("next line", "Successfully downloaded the archive to:\n\n/data/a.zip\n", [("w", "/data/a.zip")]),
    ("comma in a path", "it is at /data/a,+b,+c-1.pdf now", [("m", "/data/a,+b,+c-1.pdf")]),
    ("list without blanks", "a.csv,b.csv", [("m", "a.csv"), ("m", "b.csv")]),
    ("blank in a path", "File not found: /data/in put/a b.pdf\n", [("m", "/data/in put/a b.pdf")]),
    ("missing file", "No such file or directory: 'a.csv'", [("m", "a.csv")]),
    ("bad text", "a\ud800b: saved to x.csv \0", [("w", "x.csv")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_files_of_a_text(text: str, found: list[tuple[str, str]]) -> None:
    """Local files that a text names are found, with what it says of them; addresses, products and numbers are not."""
    assert [(hit.operation[0], hit.path) for hit in extract_text(text)] == found
