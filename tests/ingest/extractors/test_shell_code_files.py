"""Files that shell scripts write and read: one small script a case."""

# a case a line
# ruff: noqa: E501

from __future__ import annotations

import pytest

from ingest.extractors import extract_code

# (what the case is about, script, paths written, paths read)
CASES: list[tuple[str, str, list[str], list[str]]] = [
    ("redirection", "echo hi > a.txt\necho more >> a.txt", ["a.txt"], []),
    ("redirection without blanks", "ls>list.txt 2>err.log", ["list.txt", "err.log"], []),
    ("streams", "make 2>&1 | tee build.log", ["build.log"], []),
    ("null device", "make > /dev/null 2>&1", [], []),
    ("input", "wc -l < a.txt", [], ["a.txt"]),
    ("wget", "wget https://e.org/a.zip", ["a.zip"], []),
    ("wget with a log", "wget -q -o get.log https://e.org/a.zip", ["get.log", "a.zip"], []),
    ("wget, log that grows", "wget -a get.log -i links.txt", ["get.log"], ["links.txt"]),
    ("options of a program that is not known", "aligner -1 l.fq -2 r.fq -out hits.bam", ["hits.bam"], ["l.fq", "r.fq"]),
    ("alignment", "bowtie2 -x index -U r.fastq -S out.sam", ["out.sam"], ["r.fastq"]),
    ("module with options", "python -m tool --input a.csv --output b.csv", ["b.csv"], ["a.csv"]),
    ("JSON module", "python3 -m json.tool a.json b.json\npython -m json.tool c.json", ["b.json"], ["a.json", "c.json"]),
    ("spreadsheet conversion", "ssconvert book.xlsx book.csv", ["book.csv"], ["book.xlsx"]),
    ("store in the cloud", "aws s3 cp s3://b/x.csv x.csv\ngsutil cp y.csv gs://b/y.csv", ["x.csv"], ["y.csv"]),
    ("program of a filter", "awk -f sum.awk t.csv\nsed -f ed.sed n.txt", [], ["sum.awk", "t.csv", "ed.sed", "n.txt"]),
    ("wget as", "wget -q -O data/a.zip 'https://e.org/a.zip?x=1&y=2'", ["data/a.zip"], []),
    ("wget joined flags", "wget -qO a.html https://e.org", ["a.html"], []),
    ("curl", "curl -L -o a.json https://e.org/x.json", ["a.json"], []),
    ("curl long option", "curl --output=a.json https://e.org/x.json", ["a.json"], []),
    ("curl to standard output", "curl -o - https://e.org", [], []),
    ("copy and move", "cp a.txt b.txt && mv c.csv d.csv", ["b.txt", "d.csv"], ["a.txt", "c.csv"]),
    ("copy into a folder", "cp a.txt backup/", [], ["a.txt"]),
    ("cat", "cat a.txt b.txt | head -n 5", [], ["a.txt", "b.txt"]),
    ("grep", "grep -i 'x y' log.txt", [], ["log.txt"]),
    ("grep with a number", "grep -A 3 pattern a.log", [], ["a.log"]),
    ("sed in place", "sed -i 's/a/b/' conf.yaml", ["conf.yaml"], ["conf.yaml"]),
    ("awk", "awk -F, '{print $1}' a.csv > b.txt", ["b.txt"], ["a.csv"]),
    ("head", "head -n 20 a.csv", [], ["a.csv"]),
    ("unzip", "unzip -o a.zip -d out", [], ["a.zip"]),
    ("tar extract", "tar -xzf a.tar.gz", [], ["a.tar.gz"]),
    ("tar create", "tar czf a.tgz b.txt data/", ["a.tgz"], ["b.txt"]),
    ("zip", "zip a.zip b.txt", ["a.zip"], ["b.txt"]),
    ("variable", "OUT=res.txt\necho x > \"$OUT\"", ["res.txt"], []),
    ("variable with folder", "export D=out\nsort a.txt > ${D}/b.txt", ["out/b.txt"], ["a.txt"]),
    ("unknown variable", "cat $1 > $OUT", [], []),
    ("command substitution", "cat $(ls *.txt) > all.txt", ["all.txt"], []),
    ("pattern", "cat *.csv > all.csv", ["all.csv"], []),
    ("comment", "# cat a.txt > b.txt\nls # > c.txt\n# it's", [], []),
    ("here document", "cat > app.py <<'EOF'\nopen('x.txt', 'w')\nit's > fine\nEOF\ncat b.txt", ["app.py"], ["b.txt"]),
    ("here document into Python", "python3 - <<EOF\nopen('x.txt', 'w')\nEOF", ["x.txt"], []),
    ("Python on the command line", "python -c \"open('x.txt', 'w').write('1')\"", ["x.txt"], []),
    ("script", "python3 run.py --n 3\nbash go.sh", [], ["run.py", "go.sh"]),
    ("script with arguments", "python run.py", [], ["run.py"]),
    ("module", "python -m pip install x", [], []),
    ("requirements", "pip install -r requirements.txt", [], ["requirements.txt"]),
    ("constraints", "pip install -r a.txt -c b.txt\npython3 -m pip install -c c.txt", [], ["a.txt", "b.txt", "c.txt"]),
    ("channel", "conda install -c conda-forge x", [], []),
    ("image", "docker build -t x -f Dockerfile.dev .\ndocker compose -f c.yml up", [], ["Dockerfile.dev", "c.yml"]),
    ("image that runs", "docker run --env-file .env x\ndocker logs -f web", [], [".env"]),
    ("package", "pip install numpy pandas==1.0", [], []),
    ("compiler", "gcc -O2 -o prog main.c", ["prog"], ["main.c"]),
    ("conversion", "ffmpeg -i a.mp4 -vn b.mp3", ["b.mp3"], ["a.mp4"]),
    ("pandoc", "pandoc a.md -o b.pdf", ["b.pdf"], ["a.md"]),
    ("touch", "touch a.txt", ["a.txt"], []),
    ("only named", "echo a.txt; ls b.txt; rm c.txt; mkdir d.d", [], []),
    ("other program", "mplayer song.mp3", [], ["song.mp3"]),
    ("folders", "mkdir -p out/data && cd out", [], []),
    ("continued line", "wget \\\n  -O a.csv \\\n  https://e.org/a", ["a.csv"], []),
    ("sudo", "sudo cat a.conf", [], ["a.conf"]),
    ("quoted blanks", "cat 'my file.txt' > \"out file.txt\"", ["out file.txt"], ["my file.txt"]),
    ("stream editor", "jq '.a' a.json > b.json", ["b.json"], ["a.json"]),
    ("if", "if [ -f a.txt ]; then cat b.txt; fi", [], ["b.txt"]),
    ("assignment as an operand", "ffprobe -show_entries frame=time a.mp4", [], ["a.mp4"]),
    ("address", "xdg-open https://e.org/a.html", [], []),
    ("word that is no file", "echo $HOME", [], []),
    ("in place behind other options", "perl -pi -e 's/a/b/' a.txt", ["a.txt"], ["a.txt"]),
    ("in place behind an option of sed", "sed -Ei 's/a/b/' a.txt", ["a.txt"], ["a.txt"]),
    ("not in place", "perl -ne 'print' a.txt", [], ["a.txt"]),
    ("7z", "7z x a.7z\n7z a b.7z c.txt\nunrar x d.rar", ["b.7z"], ["a.7z", "c.txt", "d.rar"]),
    ("text of a document", "pdftotext a.pdf b.txt\npdftotext c.pdf -", ["b.txt"], ["a.pdf", "c.pdf"]),
    ("named after what it does", "wkhtmltopdf a.html b.pdf\nhtml2text c.html", ["b.pdf"], ["a.html", "c.html"]),
    ("output of an unknown program", "rsvg-convert a.svg -o b.png", ["b.png"], ["a.svg"]),
    ("text of a picture", "tesseract a.png b\ntesseract c.png stdout", ["b.txt"], ["a.png", "c.png"]),
    ("inside a word", "kill $(cat a.pid)\nX=\"n: $(wc -l < b.csv)\"\necho '$(cat c.txt)'", [], ["a.pid", "b.csv"]),
    ("script of a shell", "sudo bash -lc 'sort a.txt > b.txt'\nsh c.sh", ["b.txt"], ["a.txt", "c.sh"]),
    ("here document, then a command", "cat <<A > a.py && python a.py\n1\nA\ncat b.txt", ["a.py"], ["a.py", "b.txt"]),
    ("here document into a pipe", "cat <<A | sort > a.txt\n1\nA", ["a.txt"], []),
    ("two here documents", "cat <<A > a.txt; cat <<B > b.txt\ncat x\nA\ncat y\nB\ntac c", ["a.txt", "b.txt"], ["c"]),
    ("input that is not known", "ffmpeg -i $1 a.mp3\nconvert -size 9x9 xc:red b.png", ["a.mp3", "b.png"], []),
    ("output that is no file", "ffmpeg -i a.mp4 -f null -", [], ["a.mp4"]),
    ("arithmetic", "echo $((1 + 2)) $((n < 3))", [], []),
    ("loop that counts", "for ((i=0; i<10; i++)); do cat a.txt >> b.txt; done", ["b.txt"], ["a.txt"]),
    ("comparisons", "if (( n > (5 + 1) )); then cat a.txt; fi\n[[ $a < b ]] && cat b.txt", [], ["a.txt", "b.txt"]),
    ("count in a name", "cat a.txt > b_$((i + 1)).txt", [], ["a.txt"]),
    ("output as a file", "diff <(sort a.txt) <(sort b.txt) > c.txt", ["c.txt"], ["a.txt", "b.txt"]),
    ("keys", "openssl req -x509 -keyout a.pem -out b.pem -nodes", ["a.pem", "b.pem"], []),
    ("in place, any ending", "sed -i 's/a/b/' /etc/x.repo\nsed -i '' 's/a/b/' hosts\nperl -pi -e 's/a/b/' y.list", ["/etc/x.repo", "hosts", "y.list"], ["/etc/x.repo", "hosts", "y.list"]),
    ("lines of a file", "sed -n '1,5p' /etc/fstab", [], ["/etc/fstab"]),
    ("output, any ending", "gpg --dearmor -o /etc/k.gpg\nllc a.bc -o b.s\ntool --output-file=c.x1 --out d.y\ntsc --outFile e.js f.ts", ["/etc/k.gpg", "b.s", "c.x1", "d.y", "e.js"], ["a.bc", "f.ts"]),
    ("format of the output", "kubectl get x -o yaml\nkubectl get x -o wide\naz vm list --output json\nkubectl get x -o jsonpath={.a.b}", [], []),
    ("settings behind -o", "foo -o StrictHostKeyChecking=no\nps -o pid\nset -o pipefail\nls -o a.txt\nfoo -o 3.5 -o -x.y", [], []),
    ("folder behind -o", "tool -o out/run1", [], []),
    ("only what matches", "ag -o 'foo.bar' a.txt", [], ["a.txt"]),
    ("output of a script", "./scripts/blame.py --output a.yml\npython blame.py -v -o b.yml\npython -m blame --output c.yml", ["a.yml", "b.yml", "c.yml"], ["./scripts/blame.py", "blame.py"]),
    ("pinned packages", "uv pip compile --constraint=c.txt --output-file=t.txt r.in\npip-compile s.in", ["t.txt"], ["c.txt", "r.in", "s.in"]),
    ("certificates", "openssl x509 -req -in a.com.csr -extfile b.ext -out c.crt", ["c.crt"], ["a.com.csr", "b.ext"]),
    ("services and hosts", "systemctl restart nginx.service\ndig ns1.example.in\nprobe ns1.example.in", [], []),
    ("tar, letters in any order", "tar fvx a.tar", [], ["a.tar"]),
    ("moved under its name", "mv d/ffmpeg ./bin/ffmpeg\ncp -r e/lib ./x/lib\nln -s /opt/ssl /usr/lib/ssl", ["./bin/ffmpeg"], ["d/ffmpeg", "/opt/ssl"]),
    ("one test of a file", "pytest t.py::x -q\npython -m pytest tests/a.py::B::c", [], ["t.py", "tests/a.py"]),
    ("arrays", "A=(a.csv b.csv)\narr+=(x.csv\n  y.csv # (z\n)\nlocal f=(a.txt b.txt)\ndeclare -a g=($(cat c.txt) 'd.txt')\ncat $A/e.txt f.txt", [], ["c.txt", "f.txt"]),
    ("function and group", "f() { cat a.txt; }\n(cat b.txt)\nx= (cat c.txt)", [], ["a.txt", "b.txt", "c.txt"]),
    ("folders that move", "mv validation test\nmv build dist\nmv src lib\ncp conf /etc/nginx/\ncp LICENSE Makefile d/\nmv tool tool.old", ["tool.old"], ["LICENSE", "Makefile", "tool"]),
    ("templates of outputs", "sbatch -o slurm-%j.out a.sh\nsrun --output=s.%J.out b.sh\nbsub -o %J.out c.sh\nyt-dlp -o '%(title)s.mp4' u\ntool -o f_%03d.png", [], ["a.sh", "b.sh", "c.sh"]),
    ("no output behind -o", "pytest -o cache_dir=.cache.d\nredis-cli -o a.b\ndotnet publish -o out.d\nkustomize build -o out.d\nscp -o Port.x=22 -P 22 a.txt h:\nrsync -o a.txt b/", [], ["a.txt"]),
    ("inputs of a script", "python train.py --config configs/a.yaml --input-file=in.json --log run.log --save-path m.pt\npython3 s.py /root/a.pdf /root/b.json\nnode c.js d.json\n./run.sh e.csv --name f.csv --verbose\npython t.py -c g.yaml\npython -c 'x' h.csv", ["m.pt"], ["train.py", "configs/a.yaml", "in.json", "s.py", "/root/a.pdf", "c.js", "d.json", "./run.sh", "e.csv", "t.py", "g.yaml"]),
    ("backticks", "echo `cat pass.txt`\nX=`wc -l < b.csv`\necho '`cat c.txt`' \"n: `cat d.txt`\" \"\\`cat e.txt\\`\"\npython a.py 'summarise f.csv'", [], ["pass.txt", "b.csv", "d.txt", "a.py"]),
    ("ciphers", "gpg --batch -c a.tgz\ngpg -d b.gpg > b.txt\ngpg -o c.gpg -r me -e c.csv\nopenssl enc -d -in out/secret | gunzip\nopenssl enc -pass pass:x -in d.enc -out e.bin", ["b.txt", "c.gpg", "e.bin"], ["a.tgz", "b.gpg", "c.csv", "out/secret", "d.enc"]),
    ("results of a script", "python s.py --report r.json --log-file l.log --outpath q.csv --dest=d.png --results old.json", ["q.csv", "r.json", "d.png"], ["s.py"]),
    ("marks of a merge", "<<<<<<< HEAD\ncp a.txt b.txt\n=======\n>>>>>>> main\n<<<<<<< SEARCH\n>>>>>>> REPLACE\n>>> print(1)\n> c.txt", ["b.txt", "c.txt"], ["a.txt"]),
    ("reports of tests", "pytest tests/a.py -q --junitxml=a.xml\npytest --junit-xml b.xml --html=c.html\npython -m pytest --junitxml=d.xml e.py", ["a.xml", "c.html", "b.xml", "d.xml"], ["tests/a.py", "e.py"]),
    ("logs of programs", "uvicorn app:x --log-file=a.log\nrsync -a --log-file b.log c.txt d/\n./go.sh --log-file e.log\npython f.py --log-file=g.log", ["a.log", "b.log"], ["c.txt", "./go.sh", "f.py"]),
    ("last of several files", "pdfunite a.pdf b.pdf c.pdf\npapermill d.ipynb e.ipynb -p alpha 0.6\nlame f.wav g.mp3\nebook-convert h.epub i.mobi --pretty-print", ["c.pdf", "e.ipynb", "g.mp3", "i.mobi"], ["a.pdf", "b.pdf", "d.ipynb", "f.wav", "h.epub"]),
    ("both streams of csh", "cmd >& a.log\nx 2>&1 1>&2\ny >&2\nz >&-\nw >&12", ["a.log"], []),
    ("containers", "docker cp web:/a.csv b.csv\npodman cp c.csv web:/d.csv\nkubectl cp -n x pod:/e.txt f.txt\ndocker container cp web:/g.txt .\ndocker run web cp h.txt i.txt", ["b.csv", "f.txt"], ["c.csv"]),
    ("programs that change files", "mogrify -resize 50% a.jpg\nprettier --write b.js\nnpx -y prettier -w c.ts\ngofmt -w d.go\nclang-format -i e.cpp\ndos2unix f.txt", ["a.jpg", "b.js", "c.ts", "d.go", "e.cpp", "f.txt"], ["a.jpg", "b.js", "c.ts", "d.go", "e.cpp", "f.txt"]),
    ("programs that only look", "prettier --check a.js\ngofmt -d b.go\neslint c.js\nclang-format d.cpp", [], ["a.js", "b.go", "c.js", "d.cpp"]),
    ("deleted and listed", "del a.txt\nerase b.txt\ndir c.txt\nRemove-Item d.txt\nTest-Path e.txt", [], []),
    ("table of jobs", "crontab -l > a\ncrontab a\ncrontab -e -u bob\ncrontab -", ["a"], ["a"]),
    ("another makefile", "make -f My.mk -C d all", [], ["My.mk"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "writes", "reads"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_files_of_a_script(code: str, writes: list[str], reads: list[str]) -> None:
    """Redirections, downloads, copies and the operands of common programs are found, and nothing else."""
    facts = extract_code(code, "bash")
    assert [hit.path for hit in facts.writes] == writes
    assert sorted(hit.path for hit in facts.reads) == sorted(reads)


@pytest.mark.parametrize(
    ("language", "code", "imports", "writes", "reads"),
    [
        ("javascript", "const fs = require('fs');\nfs.writeFileSync('a.json', x);", ["fs"], ["a.json"], []),
        ("js", 'import axios from "axios";\nconst p = "b.txt";\nfs.readFileSync(p, "utf8")', ["axios"], [], ["b.txt"]),
        ("r", "library(dplyr)\nd <- read.csv('a.csv')\nwrite.csv(d, 'b.csv')", ["dplyr"], ["b.csv"], ["a.csv"]),
        ("r", "ggsave('p.png', plot = g)", [], ["p.png"], []),
        ("markdown", "open('a.txt', 'w')", [], [], []),
        ("json", '{"file": "a.csv"}', [], [], []),
        ("", "import json\njson.load(open('a.json'))", ["json"], [], ["a.json"]),
        ("", "Please import the data from the city archive.", [], [], []),
    ],
)
def test_other_languages(language: str, code: str, imports: list[str], writes: list[str], reads: list[str]) -> None:
    """JavaScript and R are read by patterns, markup and prose not at all, and code without a language as Python."""
    facts = extract_code(code, language)
    assert list(facts.imports) == imports
    assert [hit.path for hit in facts.writes] == writes
    assert [hit.path for hit in facts.reads] == reads
