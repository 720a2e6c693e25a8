"""What a path of a local file looks like: the judgement that all extractors share."""

from __future__ import annotations

import re

# extensions that are files wherever they stand in a text
EXTENSIONS = frozenset(
    """
    csv tsv json jsonl ndjson jsonld parquet feather arrow orc avro xlsx xls xlsm ods txt log md rst tex bib pdf
    docx doc pptx ppt odt odp rtf epub html htm xhtml xml yaml yml toml ini cfg conf properties png jpg jpeg gif bmp
    tif tiff svg webp ico eps heic mp3 wav flac ogg m4a aac aiff mp4 avi mov mkv webm zip tar gz tgz bz2 xz 7z rar
    zst fz npy npz mat h5 hdf5 hdf nc fits pkl pickle joblib pt pth ckpt onnx safetensors tflite keras sqlite sqlite3
    sql py ipynb rmd jl cpp cc hpp java jsx tsx css scss rb sh bash bat ps1 lua swift kt scala lock whl jar pdb cif
    mol2 sdf xyz fasta fastq vcf bed bam gff gpx kml geojson shp dbf tfrecord srt vtt mid midi dcm nii stl obj ply
    gltf glb gv drawio eml ics diff patch wasm mmd puml dta sav rds rdata xmind
    gguf gpickle ecsv gpkg kmz laz opus wma wmv flv mpeg mpg m4v avif pgm ppm psd mobi duckdb sas7bdat ttl rdf owl
    graphml gexf h5ad mseed edf arff mtx grib grib2 vtu vtp msh stp iges blend fbx gff3 gtf cram nwk phy gro xtc vsdx
    pbix mbtiles ttf otf woff woff2 plist gradle csproj svelte adoc cbm dxf dwg pem crt bak
    fq fna faa bcf bai gbk embl maf bedgraph bigwig pdbqt smi mgf mzml pcap pcapng nrrd mha pcd topojson osm pbf mbox
    lz4 xlsb accdb mdb docm m3u8 apk aif nd2 czi
    gpg qrc kts cmake sty tfvars exs hrl clj rkt vbs dart cuh vhd vhdl qmd xlf sln fsproj erb haml ejs hbs njk sass
    nhx newick featurexml idxml mzxml
    p12 pfx mpp j2 jinja2
    styl purs sarif ubj json5 jsonc geojsonl tbz jld2 vsix qcow2 vmdk dylib tpr trr dcd usdz graphql ifc
    nc4 grb2 he5 uvfits votable ldac rmf arf mdp itp xvg edr prmtop inpcrd rst7 pqr fchk gjf gml geoparquet prj shx
    mlx slx pbtxt rda xsd xsl xslt wsdl avsc thrift xcf cgns vti pvd tfevents gfa paf ado sps f77 f95 f03 bbl nex xpt
    covmat paramnames margestats likestats clik stan slurm sbatch
    cr2 cr3 nef arw dng orf rw2 raf nml
    faiss djvu musicxml prototxt caffemodel mrc
    jp2 tbi loom narrowpeak broadpeak tfstate prisma glsl hlsl wgsl tscn tmx cshtml xaml resx
    """.split()
)
# extensions that are as often something else (`np.out` is no file): they need quotes, a folder or a verb of saving
WEAK_EXTENSIONS = frozenset(
    """
    php aspx asp c h r m v d go rs pl ts cs js mjs cjs vue dat bin out err env tmp db exe dll dmg msi iso pb dot
    msg fa fit fts root lst cnf inp par key pub map pyc pyi so o a f f90 proto hs ml ex nb tab vtk ref idx
    war rpm deb svm sam gb aln bw mk gp cer img hdr las fai har aux dmp
    grb bufr pha reg cat vot top ndx mol psf crd cube wfn chk ps lp mps sol sas step gds cir sv tcl hmm mhd exo wl cdf
    por mtl tf
    """.split()
)
# an extension that is rather the end of a host's name: it needs the root of a path
ROOTED_EXTENSIONS = frozenset(("org",))
# files by convention, without an extension or with nothing before it
BUILD_NAMES = frozenset(
    "Dockerfile Containerfile Makefile GNUmakefile Jenkinsfile Procfile Vagrantfile Gemfile Rakefile Pipfile"
    " Snakefile".split()
)
DOT_NAMES = frozenset(
    ".env .gitignore .gitattributes .dockerignore .bashrc .bash_profile .zshrc .profile .npmrc .gitconfig .netrc"
    " .condarc .vimrc .htaccess .editorconfig .eslintrc .prettierrc .babelrc .pylintrc .coveragerc .nvmrc .yarnrc"
    " .flake8 .gitmodules .gitkeep .npmignore .eslintignore .prettierignore .gcloudignore .bidsignore .env.local"
    " .env.example .env.sample .env.test .env.development .env.production".split()
)
# extensions of what programs store, which in prose are rather the names of attributes
STORED_EXTENSIONS = frozenset("model index vocab weights".split())
# extensions of old collections of data, which in prose are rather attributes: `iris.data`, but `response.data`
DATASET_EXTENSIONS = frozenset("data names test".split())
# extensions that are those of files among the operands of a command, and elsewhere rather something else
OPERAND_EXTENSIONS = frozenset(
    """
    in ext ui repo list rules asc sig cu csr cert less cls md5 sha1 sha256 sha512 bc ll s asm hcl sol zig nim erl scm
    pm cmd sv toc dvi ps po mo strings vb jsp coffee cab ipa egg gem ova mol res raw bst orig wat spec dts dtb tcl
    xpm pbm tga
    """.split()
)
SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:(?://|/?[^\\/])")
# a first part that is a host name: the path is a web address without its scheme
HOST = re.compile(
    r"(?i)^(?=www\.|(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|co|uk|de|fr|info|dev|ai|app|wiki)(?:/|:|$))"
    r"(?!dockerfile\.|[^/]{1,80}\.app/contents/)"
)
MAXIMUM = 1024


def extension(path: str) -> str:
    """The extension in lower case, without its dot; '' where there is none, or where nothing stands before it."""
    stem, _, suffix = path.rpartition(".")
    if not 0 < len(suffix) <= 11 or not (suffix.isalnum() or suffix.replace("_", "").isalnum()) or suffix.isdigit():
        return ""
    return "" if stem.rstrip(".")[-1:] in ("", "/", "\\") else suffix.lower()


def has_known_ending(path: str) -> bool:
    """Whether the extension of a path is a known one."""
    suffix = extension(path)
    return suffix in EXTENSIONS or suffix in WEAK_EXTENSIONS


def is_only_ending(path: str) -> bool:
    """Whether the last part of a path is a known extension and nothing else, as in `raw/.json`."""
    name = path.rsplit("/", 1)[-1]
    return name[:1] == "." and name[1:] in EXTENSIONS and name not in DOT_NAMES


def is_local(path: str) -> bool:
    """Whether a string, where a file is expected, can be one of the local disk: no address, folder, device or template.

    It is not asked to have an extension: code says by the call that it is a file.
    """
    if not path or len(path) > MAXIMUM or "\n" in path or "\0" in path or path != path.strip():
        return False
    if path.endswith(("/", "\\", ":")) or path in (".", "..", "-", "~"):
        return False
    if "://" in path[:40] or path.startswith(("//", "data:", "mailto:", ":memory:", "<", "{", "[", "/dev/", "/proc/")):
        return False
    if "*" in path or "?" in path:
        return False
    return not HOST.match(path[:200]) if path.isascii() else True


def looks_like_file(path: str) -> bool:
    """Whether a string on its own looks like a local file's name: it is local and has a known extension or name."""
    # most strings end as no file does, and that is told sooner than whether they are local
    return len(path) <= 260 and _ends_as_file(path) and is_local(path)


def _ends_as_file(path: str) -> bool:
    """Whether a string has a known extension, or its last part a known name."""
    suffix = extension(path)
    if not suffix:
        name = path.rsplit("/", 1)[-1]
        return name in BUILD_NAMES or name in DOT_NAMES
    if suffix in EXTENSIONS:
        return True
    return (suffix in WEAK_EXTENSIONS or suffix in STORED_EXTENSIONS) and " " not in path
