"""Files that code in other languages than Python and the Unix shells writes and reads: one small program a case."""

# a case a line
# ruff: noqa: E501

from __future__ import annotations

import pytest

from ingest.extractors import extract_code

# (language, program, paths written, paths read)
CASES: list[tuple[str, str, list[str], list[str]]] = [
    ("go", 'b, err := os.ReadFile("in.json")\nf, _ := os.Create("out.txt")', ["out.txt"], ["in.json"]),
    ("cpp", 'std::ifstream in("m.txt");\nstd::ofstream out{"r.dat"};', ["r.dat"], ["m.txt"]),
    ("c", 'FILE *f = fopen("x.log", "w"), *g = fopen("y.log", "r");', ["x.log"], ["y.log"]),
    ("java", 'new BufferedWriter(new FileWriter("o.txt")).write(s);', ["o.txt"], []),
    ("java", 'Files.readAllLines(Paths.get("i.txt"));\nnew Scanner(new File("k.txt"));', [], ["i.txt", "k.txt"]),
    ("rust", 'let s = std::fs::read_to_string("b.txt")?;\nFile::create("f.txt")?;', ["f.txt"], ["b.txt"]),
    ("julia", 'd = CSV.read("in.csv", DataFrame)\nCSV.write("out.csv", d)', ["out.csv"], ["in.csv"]),
    ("csharp", 'File.WriteAllText("a.txt", x);\nvar r = new StreamReader("b.txt");', ["a.txt"], ["b.txt"]),
    ("csharp", 'var t = File.ReadLines(@"C:\\d\\a.csv");\nvar o = @"D:\\b.txt";\nFile.WriteAllText(o, t);', ["D:\\b.txt"], ["C:\\d\\a.csv"]),
    ("java", 'new FileReader("C:\\\\d\\\\a.csv");\nnew FileWriter("b\\n.txt");', [], ["C:\\d\\a.csv"]),
    ("r", "knitr::knit('a.Rmd'); rmarkdown::render('b.Rmd'); res.render('c.html')", [], ["a.Rmd", "b.Rmd"]),
    ("ruby", "File.open('a.txt', 'w') { |f| f.puts 1 }\nCSV.foreach('b.csv')", ["a.txt"], ["b.csv"]),
    ("php", "$x = file_get_contents('a.json');\nfile_put_contents('b.json', $x);", ["b.json"], ["a.json"]),
    ("matlab", "T = readtable('a.csv');\nwritetable(T, 'b.csv');\nsave('c.mat', 'T')", ["b.csv", "c.mat"], ["a.csv"]),
    ("r", "ggsave(filename = 'p.png', plot = g)\nsave(x, file = 'a.RData')", ["p.png", "a.RData"], []),
    ("java", 'System.out.println("a.txt");\nlog.info("b.log");', [], []),
    ("sql", "COPY (SELECT * FROM read_csv('a.csv')) TO 'b.parquet';", ["b.parquet"], ["a.csv"]),
    ("sql", "SELECT name, 'a.csv' FROM sales.orders", [], []),
    ("dockerfile", "FROM x:1\nCOPY --chown=1 a.txt b.txt /srv/\nCOPY . .", [], ["a.txt", "b.txt"]),
    ("dockerfile", "RUN pip install -r r.txt && \\\n    wget https://e.org/a.csv", ["a.csv"], ["r.txt"]),
    ("makefile", "out.txt: in.txt\n\t@sort in.txt > out.txt\n\t-cat a.log", ["out.txt"], ["in.txt", "a.log"]),
    ("powershell", "$rows = Import-Csv -Path 'C:\\d\\a.csv'", [], ["C:\\d\\a.csv"]),
    ("powershell", '$src = "C:\\d\\a.csv"\n$out=\'b.txt\'\n$rows = Import-Csv -Path $src\nSet-Content -Path $out -Value $rows.Count\nGet-Content $other', ["b.txt"], ["C:\\d\\a.csv"]),
    ("powershell", "Get-Process | Export-Csv C:\\d\\b.csv -NoTypeInformation -Encoding utf8", ["C:\\d\\b.csv"], []),
    ("powershell", "Invoke-WebRequest -Uri https://e.org/a.zip -OutFile .\\a.zip", [".\\a.zip"], []),
    ("pwsh", "Expand-Archive -Path a.zip -DestinationPath C:\\out\\", [], ["a.zip"]),
    ("ps1", "Copy-Item a.txt -Destination b.txt\nGet-Date > c.txt", ["b.txt", "c.txt"], ["a.txt"]),
    ("bat", "copy C:\\d\\a.txt D:\\b.txt\ntype D:\\b.txt > nul", ["D:\\b.txt"], ["C:\\d\\a.txt", "D:\\b.txt"]),
    ("js", "fs.writeFileSync(`b.txt`, x);\nfs.writeFileSync(`out/${name}.txt`, x);", ["b.txt"], []),
    ("js", "const p = path.join('out', 'r.json');\nfs.writeFileSync(p, x);", ["out/r.json"], []),
    ("js", "fs.readFileSync(path.join(__dirname, 'in.json'));\npath.join('a', 'b.txt')", [], ["in.json"]),
    ("go", 'p := filepath.Join("out", "a.csv")\nf, _ := os.Create(p)', ["out/a.csv"], []),
    ("js", "copyFileSync('a.txt', 'b.txt');\nfs.copyFile(src, 'd.txt', done);", ["b.txt", "d.txt"], ["a.txt"]),
    ("csharp", 'File.Copy("a.txt", "b.txt");', ["b.txt"], ["a.txt"]),
    ("ts", "await page.screenshot({path: 'x.png'});\napp.get({path: 'y.json'});", ["x.png"], []),
    ("ts", "page.pdf({ margin: { top: 1 }, path: out });\nconst q = {path: 'z.pdf'};", [], []),
    ("js", "const o = 'x.pdf';\npage.pdf({ margin: { top: 1 }, path: o });", ["x.pdf"], []),
    ("js", "XLSX.writeFile(wb, 'x.xlsx');\nbook.xlsx.writeFile('y.xlsx');", ["x.xlsx", "y.xlsx"], []),
    ("perl", "open(my $f, '>', 'x.txt') or die;\nopen my $g, '<:utf8', \"y.txt\";", ["x.txt"], ["y.txt"]),
    (
        "perl",
        "my $p = 'a.log';\nopen(F, \">>b.log\");\nopen(G, '<', $p);\nopen($h, '>', \"$d/c\");",
        ["b.log"],
        ["a.log"],
    ),
    ("r", 'cat("a(b", mean(x), "\\n", file="x.txt")\ncat("done")\nread.csv(file = "y.csv")', ["x.txt"], ["y.csv"]),
    ("r", 'write.csv(d, row.names = FALSE, file = file.path("out", "d.csv"))\ncat(x, file = "")', ["out/d.csv"], []),
    ("r", "x <- scan('a.txt'); d <- haven::read_sav('b.sav'); save.image('c.RData')", ["c.RData"], ["a.txt", "b.sav"]),
    ("ts", "Deno.writeTextFileSync('a.txt', Deno.readTextFileSync('b.txt'));", ["a.txt"], ["b.txt"]),
    ("sql", "LOAD DATA INFILE 'a.csv' INTO TABLE t; SELECT 1 INTO OUTFILE 'b.txt'", ["b.txt"], ["a.csv"]),
    ("sql", "SELECT * FROM read_parquet(['a.parquet',\n 'b.parquet'])", [], ["a.parquet", "b.parquet"]),
    ("", "#!/usr/bin/env bash\npython a.py > b.log", ["b.log"], ["a.py"]),
    ("", "pip install -r needs.txt\npython3 go.py > go.log", ["go.log"], ["needs.txt", "go.py"]),
    ("", "#!/usr/bin/env python3\nopen('a.txt', 'w')", ["a.txt"], []),
    ("r", 'writeLines(capture.output(summary(d)), "a.txt")\nwrite.csv(head(d, 9), "b.csv")\nwrite_json(list(a = f(1)), "c.json")', ["a.txt", "b.csv", "c.json"], []),
    ("r", 'saveRDS(lm(y ~ x, data = d[1:3, ]), file = "a.rds")\nwriteLines(readLines("b.txt"), con = "c.txt")\nwrite(x, "d.txt")', ["a.rds", "c.txt", "d.txt"], ["b.txt"]),
    ("r", 'writeLines(paste("a.txt", "b.txt"))\nprint(head(x), "c.txt")\nwriteLines("d.txt")\nwrite_csv(f(x), out)', [], []),
    ("r", 'd |> head(3) |> write_csv("a.csv")\nd %>% filter(x > 1) %>% saveRDS("b.rds")\nwrite.csv(d)', ["a.csv", "b.rds"], []),
    ("java", 'Files.writeString(Path.of("done"), "ok");\nFiles.exists(Path.of("a.txt"));\nString s = Files.readString(Paths.get("VERSION"));', ["done"], ["VERSION"]),
    ("java", 'Files.copy(Paths.get("a"), Path.of("b"), REPLACE_EXISTING);\nFiles.move(Path.of("c.txt"), Path.of("d.txt"));', ["b", "d.txt"], ["a", "c.txt"]),
    ("java", 'ImageIO.write(crop(i, 1), "png", new File("a.png"));\nvar i = ImageIO.read(new File("b.png"));\nnew File("c.png").exists();', ["a.png"], ["b.png"]),
    ("java", 'mapper.writeValue(new File("a.json"), x);\nmapper.readValue(new File("b.json"), X.class);\nmapper.readValue(json, X.class);', ["a.json"], ["b.json"]),
    ("julia", 'savefig(p, "a.png")\nsavefig("b.png")\nsavefig(plot(x, y), "c.png")\nwritedlm("d.csv", x)\nwrite("e.txt", s)', ["a.png", "b.png", "c.png", "d.csv", "e.txt"], []),
    ("julia", 'x = readdlm("a.csv", \',\')\ns = read("b.txt", String)\nf = "c.txt"\nfor l in eachline(f)\nend\nwrite(io, "d.txt")\nread(io, String)', [], ["a.csv", "b.txt", "c.txt"]),
    ("js", 'res.write("a.txt");\nstream.read("b.txt");\nwrite("c.txt");', [], []),
    ("cpp", 'std::ofstream o, p;\nifstream i;\no.open("a");\np.open("b.txt", std::ios::app);\ni.open("c.txt");', ["a", "b.txt"], ["c.txt"]),
    ("cpp", 'cv::imwrite("a.png", img);\ncv::imread("b.png");\nfreopen("in", "r", stdin);\nfreopen("out", "w", stdout);\nFILE *f = fopen("data", "rb");\nputs("c.txt");', ["a.png", "out"], ["b.png", "in", "data"]),
    ("matlab", "imwrite(img, 'a.png');\nimwrite(rgb2gray(img), 'b.png');", ["a.png", "b.png"], []),
    ("js", 'sharp("a.jpg").resize(300).toFile("b.png");\nfs.readFileSync("LICENSE");\nfs.readFileSync("http://x.org/a");\nlog("c.jpg");', ["b.png"], ["a.jpg", "LICENSE"]),
    ("go", 'os.Create("out")\nos.ReadFile("data")\nos.Open(".")', ["out"], ["data"]),
    ("r", "save(x, y, file = 'a.RData')\nload('b.RData')", ["a.RData"], ["b.RData"]),
    ("julia", 'h5write("a.h5", "x", x)\ny = h5read("b.h5", "y")', ["a.h5"], ["b.h5"]),
    ("julia", 'h5open("a.h5", "w") do f\nend\ng = h5open("b.h5", "r")\npng(p, "c.png")', ["a.h5", "c.png"], ["b.h5"]),
    ("julia", '@save "a.jld2" x y\n@load "b.jld2"\nmail("me@load.org")', ["a.jld2"], ["b.jld2"]),
    ("js", "// writeFileSync('no.txt')\nwriteFileSync('a.txt', 'http://x.org') // readFileSync('no.txt')\nreadFileSync('b.txt', `// ${x}`); /* require('no') */", ["a.txt"], ["b.txt"]),
    ("r", '# read.csv("no.csv")\nread.csv("a#b.csv") # write.csv(d, "no.csv")\nwriteLines("ok", con = "b.log")', ["b.log"], ["a#b.csv"]),
    ("julia", '#= savefig("no.png")\n=#\nsavefig("a.png") # savefig("no.png")', ["a.png"], []),
    ("matlab", '% save("no.mat")\ny = x\'; save("a.mat", "y")\n%{\nload("no.mat")\n%}\nfprintf("%d", 3); load(\'b.mat\') % \'no.mat\'', ["a.mat"], ["b.mat"]),
    ("sql", "-- COPY t TO 'no.csv';\nCOPY t TO 'a.csv'; /* COPY t\n TO 'no.csv' */", ["a.csv"], []),
    ("duckdb", "-- COPY t TO 'no.csv';\nCOPY t TO 'a.csv';", ["a.csv"], []),
    ("cpp", '#include <fstream>\n// std::ofstream f("no.txt");\nstd::ofstream g("a.txt");', ["a.txt"], []),
    ("go", '// os.Create("no.txt")\nf, _ := os.Create("a.txt") /* os.Open("no.txt") */', ["a.txt"], []),
    ("rust", '// File::create("no.txt")\nlet f = File::create("a.txt");', ["a.txt"], []),
    ("java", 'String s = "//"; // new FileWriter("no.txt")\nnew FileWriter("a.txt");', ["a.txt"], []),
    ("ruby", '# File.write("no.txt", 1)\nFile.write("a.txt", "#{x}")', ["a.txt"], []),
    ("php", "# file_put_contents('no.txt', 1);\nfile_put_contents('a.txt', 1); // file_get_contents('no.txt')", ["a.txt"], []),
    ("powershell", "<# Set-Content no.txt x\n#>\nSet-Content a.txt x\n# Set-Content no.txt x", ["a.txt"], []),
    ("", "// fs.writeFileSync('no.txt', x);\nfs.writeFileSync('a.txt', 1)\n/* fs.writeFileSync('no.txt', 1)\n*/", ["a.txt"], []),
    ("python", '# pd.read_csv("no.csv")\nx = open("a#b.txt") # open("no.txt")\npd.read_csv("c.csv"', [], ["a#b.txt", "c.csv"]),
    ("r", 'd <- "data/"\nx <- read.csv(file.path(d, "a.csv"))\ny <- read.csv(paste0(d, "b.csv"))\nz <- read.csv(paste(d, "c.csv", sep = ""))\ne <- file.path(d, "sub")\nwrite.csv(x, file = file.path(e, "d.csv"))\nsaveRDS(x, paste0(e, "/e", ".rds"))\nf <- paste("f", "csv", sep=".")\nread.csv(f)', ["data/sub/d.csv", "data/sub/e.rds"], ["data/a.csv", "data/b.csv", "data/c.csv", "f.csv"]),
    ("r", 'read.csv(file.path(d, "a.csv"))\np <- "b.csv"\np <- paste0(x, "c.csv")\nread.csv(p)\nread.csv(paste("d", "e.csv"))\npdf(title = paste0("f", ".pdf"))\nread.csv(file.path(dirname(g), "g.csv"))\nread.csv(paste0("h{i}", ".csv"))', [], ["d e.csv"]),
    ("js", "const d = 'out', n = 'r.json';\nconst p = path.join(__dirname, d, n);\nfs.writeFileSync(p, x);\nfs.readFileSync(path.join(d, 'a.json'));\nfs.readFileSync(path.join(unknown, 'b.json'));", ["out/r.json"], ["out/a.json"]),
    ("r", 'd <- "a"\n' + "d <- paste0(d, d, d, d)\n" * 20 + 'read.csv(paste0(d, ".csv"))', [], []),
    ("julia", 'c = JSON.parsefile("a.json")\nt = TOML.parsefile("b.toml")', [], ["a.json", "b.toml"]),
    ("latex", r"""\documentclass{article}
\usepackage{graphicx} \input{tables/t.tex} \input{intro} % \input{no.tex}
\includegraphics[width=0.8\linewidth]{figs/a b.pdf} 5\% \includegraphics{plots/{c.d}.png}
\inputminted[linenos]{python}{code/m.py} \lstinputlisting{code/n.py} \bibliography{a.bib, b.bib} \cite{c.bib}
\addplot table [x=t, y=v, col sep=comma] {data/d.csv}; \href{https://x.org/e.pdf}{f.pdf}
\begin{filecontents*}[overwrite]{refs.bib}""", ["refs.bib"], ["tables/t.tex", "figs/a b.pdf", "code/m.py", "code/n.py", "a.bib", "b.bib", "data/d.csv"]),
    ("", "open('b.tex', 'w').write('''\n\\documentclass{article}\n\\input{a.tex}''')", ["b.tex"], []),
    ("", "% a paper\n\\documentclass{article}\n\\begin{document}\n\\includegraphics{a.png}\n\\end{document}", [], ["a.png"]),
    ("tex", "\\input{a.tex}\nopen('b.txt')", [], ["a.tex"]),
    ("python", "t = r'\\documentclass{article} \\input{a.tex}'\nopen('b.tex', 'w').write(t)", ["b.tex"], []),
]  # fmt: skip


@pytest.mark.parametrize(("language", "code", "writes", "reads"), CASES)
def test_files_of_a_program(language: str, code: str, writes: list[str], reads: list[str]) -> None:
    """What usual calls and commands of other languages open is found, and nothing that they only print."""
    facts = extract_code(code, language)
    assert [hit.path for hit in facts.writes] == writes
    assert [hit.path for hit in facts.reads] == reads


@pytest.mark.parametrize(
    ("code", "packages"),
    [
        ("using CSV, DataFrames\nusing Plots: plot, savefig\nimport JSON", ["CSV", "DataFrames", "JSON", "Plots"]),
        ("using Test; using Base.Threads\nusing .Mine\n# using Flux\nx = using_it", ["Base", "Test"]),
    ],
)
def test_packages_of_julia(code: str, packages: list[str]) -> None:
    """Packages are found by their top-level names, the program's own modules and comments are not."""
    assert list(extract_code(code, "julia").imports) == packages
