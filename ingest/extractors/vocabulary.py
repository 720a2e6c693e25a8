"""Words by which prose tells files from other names: products, modules, folders of a disk and of the web."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.paths import STORED_EXTENSIONS, WEAK_EXTENSIONS

# what parts words
BREAKS: Final = frozenset(" \t\r\n<>\"'`|")
# what a file is assigned to, so that it is no part of the name: `file=2024.csv`
ASSIGNED: Final = frozenset(
    "file files filename fname path filepath name out output outfile input infile in src dst source dest target log"
    " config data dataset url uri id img image csv json title key attachment href to from save saved model".split()
)
# names with a dot that are products, modules or attributes, not files
PRODUCTS: Final = frozenset(
    "node next vue react three express d3 chart nuxt angular backbone ember moment p5 discord socket.io require alpine"
    " plotly.js matter brain ml tensorflow plotly pdf hls video highlight vis cytoscape sigma babylon handlebars"
    " ml5 popper knockout svelte solid transformers marked nest pixi phaser tone mermaid mathjax".split()
)
# libraries that are called as a file is
LIBRARY_NAMES: Final = frozenset(
    "newtonsoft.json microsoft.data.sqlite system.data.sqlite ruamel.yaml ruamel.yaml.jinja2 backports.csv"
    " org.json javax.json java.sql javax.sql java.xml javax.xml"
    " pyspark.sql sqlalchemy.sql snowflake.sql django.db flask.json"
    " discord.py web3.py web.py interactions.py llama.cpp whisper.cpp stable-diffusion.cpp plots.jl dataframes.jl"
    " csv.jl flux.jl makie.jl jump.jl turing.jl distributions.jl differentialequations.jl docs.rs".split()
)
# libraries of scripts and styles that pages take from elsewhere: in a sentence they are no files
PAGE_LIBRARIES: Final = frozenset(
    "jquery jquery.min lodash underscore zepto mootools prototype modernizr bootstrap tailwind tailwindcss animate"
    " normalize bulma foundation materialize milligram skeleton font-awesome fontawesome".split()
)
# first parts of the names of Java's packages: `org.apache.commons.csv`
PACKAGES: Final = frozenset("org com java javax".split())
MODULES: Final = frozenset(
    "np numpy pd pandas plt matplotlib os sys tf torch self df cv2 math console process app request requests response"
    " module system this re json pickle scipy sklearn series xml html email http urllib window document fig ax obj"
    " builtins r res resp img args opts kwargs logger".split()
)
# attributes of those that are spelt like extensions of files
ATTRIBUTES: Final = WEAK_EXTENSIONS | STORED_EXTENSIONS | {"log", "html", "mat", "json"}
# what no attribute is called
NO_ATTRIBUTES: Final = frozenset(
    "py ipynb csv tsv txt md yaml yml toml xlsx docx pptx png jpg jpeg jsonl cpp java tex ini"
    " cfg css scss jsx tsx sh js mjs cjs ts vue php pdf doc xls mp3 mp4 wav gif svg npy npz pkl parquet sqlite"
    " gz".split()
)
# and what no attribute of a module is called: `app.rb`, `App.swift`, `app.jar`
NO_MEMBERS: Final = NO_ATTRIBUTES | frozenset(
    "rb swift kt scala cs go rs lua dart bat ps1 bash jar apk exe msi whl wasm war".split()
)
# of what no attribute is called, what a file has that is referred to as `@src/main.py`; the others are modules of a
# package as well
REFERRED: Final = NO_ATTRIBUTES - frozenset("js mjs cjs ts vue php css scss".split())
# of these what is no folder of what it is made of, so that a slash behind it stands before another name
EITHER: Final = (REFERRED | {"json", "html", "log", "lock"}) - {"parquet", "gz", "npz"}
# of those what ends no dotted name of a module or a host
DATA: Final = (NO_ATTRIBUTES - frozenset("doc gz java js md php sh ts vue".split())) | frozenset(
    "json bam bai bed vcf fasta fastq fq gff gtf h5ad nii fits hdf5 tif tiff shp geojson tgz webp avi mkv feather ckpt"
    " onnx safetensors joblib h5 pt pth 7z tar bib rst plist vtt srt epub".split()
)
# endings that stand behind another: `build.gradle.kts`, `email.html.j2`, `calls.vcf.gz.tbi`
BEHIND: Final = frozenset("kts j2 jinja2 map sig asc tbi erb haml".split())
# what R's functions `read.csv` and `write.csv` are called after
TABLES: Final = frozenset("csv tsv xls xlsx dta dbf arff fasta sav json parquet orc avro".split())
# what has a probability density: `norm.pdf`
DISTRIBUTIONS: Final = frozenset(
    "norm stats scipy dist distribution rv beta gamma expon poisson binom uniform lognorm chi2 t f".split()
)
# what keeps a log, while `math.log` is a function
LOGGED: Final = frozenset("app system process".split())
# modules and objects after which files are named as well: `app.config.xml`
NAMESAKES: Final = LOGGED | frozenset("document email module report series".split())
# and of those with one dot: `response.json`, `app.db`
NAMED_SO: Final = NAMESAKES | frozenset("response request resp res args html json".split())
# endings that attributes and packages have as well: `address.zip`, `org.apache.spark.sql`
FIELDS: Final = frozenset("zip doc log sql json mat keras jar java scala kt".split())
# of the weak ones those that attributes are called as often: `model.fit`, `event.key`
ALSO_ATTRIBUTES: Final = frozenset("fit map key root ref par reg cat top mol cube sol step exo por".split())
# and those that packages have besides
PACKAGED: Final = (FIELDS - {"jar"}) | frozenset("csv yaml xml html pdf".split())
# and of those what namespaces and abbreviations end with, spelt with a capital: `Newtonsoft.Json`, `Suppl.Mat`
NAMESPACED: Final = PACKAGED - {"java", "scala", "kt", "pdf"}
# short names of methods and fields, as they stand behind a module: `lodash/fp.map`
MEMBERS: Final = frozenset(
    "map get set put post push pop add run call main init load read user name node id key type size text href item"
    " new of on to is has use git com org net edu gov io co uk de fr dev ai app".split()
)
# of the weak ones those of programs that are compiled or run
PROGRAMS: Final = frozenset("c cs exe f90 go h hs js m ml php pl r rs ts".split())
# and those of which the command that compiles or runs them tells as much
RUN: Final = PROGRAMS | {"mjs", "cjs", "o", "a", "so", "s", "v"}
# of the weak ones those that are files also without quotes, where the name is spelt as a file's
USUAL: Final = frozenset("js mjs cjs ts vue dat php db exe dll msi iso rpm deb fa f90 pyc rs go bin dmp tf".split())
# endings of source files that are called after the class in them: `Program.cs`
CLASSED: Final = frozenset("cs php vue".split())
# what the scripts of an application of R's Shiny are called
SHINY: Final = frozenset("app ui server global".split())
# what stands before a name in the listing of a folder
TREE: Final = ("\u2500 ", "|-- ", "`-- ", "+-- ")
# what is put behind another extension
COMPRESSED: Final = frozenset("gz bz2 xz zst zip bak".split())
# weak endings that folders have as well: `/etc/nginx/conf.d`
FOLDER_ENDINGS: Final = frozenset("d out env tmp bin war root".split())
# folders at the root of a disk, and how paths in them begin
FOLDERS: Final = tuple(
    "/workspace /workspaces /home /tmp /mnt /data /content /srv /usr /var /users /root /app /opt /work /kaggle /etc"
    " /private /volumes /scratch /project /projects /output /outputs /input /inputs /results /notebooks /code /repo"
    " /src /media/ /storage /lustre /gpfs /nfs".split()
)
ROOTS: Final = tuple(folder.rstrip("/") + "/" for folder in FOLDERS)
# folders of a disk that a link in Markdown leads to; a web site has `/data/` and `/media/` at its root as well
LINKED_FOLDERS: Final = tuple(
    "/workspace /home/ /tmp/ /mnt/ /root/ /users/ /var/ /kaggle/ /app/ /content/drive/ /content/sample_data/".split()
)
# what stands at the root of a web site more often than at that of a disk
WEB: Final = frozenset("png jpg jpeg svg ico css gif webp html htm xml".split())
SCRIPTS: Final = frozenset("js ts jsx tsx mjs cjs css".split())
PAGES: Final = frozenset("html htm php aspx asp".split())
SOURCES: Final = frozenset("cc cpp c h hpp cu".split())
# folders that a web server has at its root
WEB_FOLDERS: Final = tuple(
    "/assets/ /static/ /images/ /img/ /wp-content/ /wp-includes/ /uploads/ /themes/ /icons/ /_next/ /css/ /js/".split()
)
# what folders are called, not files without an extension
FOLDER_NAMES: Final = frozenset(
    "lib lib64 bin sbin src home images img pictures data html www log logs nginx apache2 share local include etc docs"
    " documents downloads desktop projects project build dist output outputs out results result tmp temp cache config"
    " configs conf files file uploads upload models model checkpoints assets static media public user users root"
    " workspace content input inputs folder directory scripts tests test app apps code repo reports notebooks coding"
    " dataset datasets plots figures figs charts utils backup backups".split()
)
# words that begin a sentence and no name of a class
BEGINNING: Final = frozenset(
    "It The Then This That These Those There They I We You He She Now Next Please Here After And But So In If To Also"
    " Finally However When As For".split()
)
# small words inside a title
LOWER_WORDS: Final = frozenset("of the and for in on a an to by vs with final draft copy".split())
# words of a sentence or a command, which no file is named after
NO_NAME: Final = frozenset(
    "python python3 pip bash sh cat cp mv rm ls cd echo grep open read load save see run use using write create"
    " download delete is are was were be been has have had will would can could should must not no if that this"
    " these those which who what when where how why it its he she we you they i file files from into import".split()
)
# what somebody did with a file
DONE: Final = frozenset("wrote made built ran found sent got did".split())
# words that begin an item of a list which is no name, beside those that end with `ed` or `ing`
TASKS: Final = (
    frozenset(
        "convert merge compare plot fix remove move copy rename import export generate build test refactor document"
        " describe summarize summarise extract compute calculate clean combine split sort filter render draw print"
        " make put get set send share attach find look start end new old main"
        " other first second next then also see note both all each every only just input output source target file"
        " files script dataset image figure ( contain include use need".split()
    )
    | DONE
)
# words that begin what is to be done with a file: `Execute main.py`
COMMANDS: Final = NO_NAME | frozenset(
    "execute upload check analyze analyse process inspect update review show add edit parse convert visualize".split()
)
# endings of what people name with blanks: documents, tables, pictures, sound, films and archives
SPACED: Final = frozenset(
    "xlsx xls xlsm ods docx doc odt rtf pdf epub pptx ppt odp csv tsv txt png jpg jpeg gif bmp tif tiff webp svg heic"
    " mp3 wav m4a flac ogg aac mp4 mov avi mkv webm zip rar 7z tar gz tgz".split()
)
# of those and of pages what no package ends with, so that a dotted name alone in an item or brackets is a file
ALONE: Final = (SPACED | {"html", "htm"}) - {"zip", "doc"}
# of which in backticks also
SPACED_QUOTED: Final = SPACED | {"ipynb", "md"}
# words that join others to the name of a file: `Overview of a.csv`
CONNECTING: Final = frozenset(
    "of for to in with without and or vs vs. versus from on by the a an - at as into about between & + is are".split()
)
# what is counted, so that a number behind it is no part of a name: `Step 2 data.csv`
COUNTED: Final = frozenset(
    "step steps section phase part chapter table task version line lines row rows example case issue http".split()
)
# programs that are given a file, beside those whose arguments are known
OTHER_PROGRAMS: Final = frozenset(
    "evince okular feh eog mpv mplayer vlc ffplay afplay aplay start say print kubectl helm gcloud az systemctl service"
    " tree poetry pdm pipx hatch tox gh hg svn ftp lp lpr mail psql mysql mongo bq sbatch srun qsub ollama pdftk gs"
    " mutool mediainfo ocrmypdf whisper watch xargs strace gdb adb rclone restic borg split tr comm iconv dos2unix"
    " pdfimages csvkit mlr xsv qsv visidata tabula calibre soffice libreoffice".split()
)
# programs that are given two paths, with a blank between
GIVEN_TWO: Final = frozenset("cp mv ln rsync scp diff cmp meld install".split())
# what stands behind the label of a file and is no part of its name: `File: saved as a.csv`
TOLD: Final = frozenset("saved written created generated exported as named called located to the".split())
# what stands before the ending of a source file and says what kind it is: `next.config.js`, `app.test.ts`
KINDS: Final = frozenset(
    "config test spec min d module setup stories e2e bundle worker service component controller routes route router"
    " model entity dto guard pipe directive interceptor resolver middleware repository schema gateway strategy slice"
    " reducer actions effects selectors".split()
)
# and of those what stands before that of a page or of styles: `app.component.html`
PAGE_KINDS: Final = frozenset("component module page".split())
STYLED: Final = frozenset("html scss sass".split())
# objects that have a model, an index or weights
OBJECTS: Final = frozenset(
    "trainer pipeline pipe agent client learner estimator config settings options params parser item row node series"
    " frame data dataset array list loader session state layer net network llm".split()
)
# and what else has data, names or a test
HOLDERS: Final = OBJECTS | frozenset(
    "self obj object res resp response request req event ev msg message props state store ctx context result results"
    " output outputs input inputs payload body axios query mutation user users node batch tensor param parameter"
    " parameters module table column columns col index df x y z a b image img values value entry record field fields"
    " form action error err target element elem el chart graph grid map cache page template application app test tests"
    " unit regex pattern expect jest assert this that it class cls function fn func file files blob buffer buf chunk"
    " packet dtype attrs meta metadata info json xml dom document window jquery mock torch grad weight bias np pd plt"
    " serializer socket variable model train valid val sample samples dict foo bar source sink"
    " src dst host hosts server www api dev local my com org net io".split()
)
# and what is called so where it is stored
STORED_NAMES: Final = frozenset(
    "tokenizer spm spiece sentencepiece sentencepiece.bpe word2vec doc2vec variables".split()
)
# files of packages, which are nothing else
PACKAGE_NAMES: Final = frozenset(("PKG-INFO", "MANIFEST.in", "go.mod", "go.sum"))
# names of documents that have no extension; as words they are as often something else
DOCUMENT_NAMES: Final = frozenset("README LICENSE LICENCE CHANGELOG CONTRIBUTING AUTHORS".split())
# AG2's list of configurations, which may as well be a variable of the environment
CONFIG_NAMES: Final = frozenset(("OAI_CONFIG_LIST",))
# keywords of a call, by their last word, that give a text: `system_message`, `description`
TEXT_WORDS: Final = frozenset(
    "message messages prompt query question task description desc goal backstory instruction instructions content text"
    " title subject body label caption help topic summary role id msg".split()
)
# words of a function that is given a text, in which a file may be named: `log_message("Loaded data.csv")`
TEXT_FUNCTIONS: Final = frozenset(
    "message prompt search query ask chat llm log status notify say speak translate completion answer question task"
    " note header heading title subtitle label issue error warn warning alert email tweet text sentiment"
    " progress".split()
)
# words that begin the name of a file as often as a command: `New Logo.png`, `Test Report.pdf`
ADJECTIVES: Final = frozenset(
    "new old main other first second next test input output source target file files script dataset image figure"
    " document report export review all both each every".split()
)
# keywords that give what is shown, looked up or put together
LABEL_KEYWORD: Final = re.compile(
    r"popup|tooltip|alt|display_name|href|suffix|prefix|extension|(?:\w+_)?(?:id|title|label|format)"
)
# what is in a file that a function looks into: `validate_csv`
CONTENT_WORDS: Final = frozenset(
    "csv json jsonl yaml xml toml html audio image images video data dataset schema config pdf excel table wav".split()
)
# words that end as `loaded` and `loading` do and begin names: `Meeting notes.docx`, `red car.jpg`
NOUNS: Final = frozenset(
    "meeting training wedding building drawing recording marketing pricing billing housing hearing engineering painting"
    " landing evening morning spring planning briefing spending banking shipping parking listing ranking rating"
    " onboarding screening string king ring wing thing red bed seed speed feed shed weed breed united".split()
)
