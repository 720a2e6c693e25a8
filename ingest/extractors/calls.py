"""The Python calls that open files, by family. A further library is a further row here, and nothing else.

Names are written as they are after imports are resolved: `numpy.save` is found in `np.save(..)` and in
`from numpy import save`. `.name` is a method of any object. `a.B().c` is a method of what `a.B(..)` returned.
"""

from __future__ import annotations

from ingest.extractors.model import Call, Extractor

# what reads or writes tables as its next method says, with settings between: `df.write.mode("append").csv("d")`
TABLES = {"read": "read", "readStream": "read", "write": "write", "writeStream": "write"}
TABLE_FORMATS = frozenset("csv json parquet orc text avro".split())
# what copies files from and to another host; its variable mostly has the same name in a later block
CARRIERS = (
    *("paramiko.SSHClient().open_sftp()", "paramiko.SFTPClient.from_transport()", "paramiko.Transport().open_sftp()"),
    *("pysftp.Connection()", "scp.SCPClient()", "fabric.Connection()", "sftp", "scp", "sftp_client", "scp_client"),
)


def _all(operation: str, names: str, position: int = 0, strict: bool = False) -> tuple[Call, ...]:
    return tuple(Call(name, operation, position, strict=strict) for name in names.split())


def _writes(names: str, position: int = 0) -> tuple[Call, ...]:
    return _all("write", names, position)


def _reads(names: str, position: int = 0) -> tuple[Call, ...]:
    return _all("read", names, position)


def _modes(names: str, default: str = "r", mode_position: int = 1, position: int = 0) -> tuple[Call, ...]:
    return tuple(
        Call(name, "mode", position, mode_position=mode_position, mode_default=default) for name in names.split()
    )


def _endings(ending: str, names: str) -> tuple[Call, ...]:
    return tuple(Call(name, "write", ending=ending) for name in names.split())


def _both(name: str, source: tuple[str, ...] = ("src",), target: tuple[str, ...] = ("dst",)) -> tuple[Call, ...]:
    return Call(name, "read", 0, source), Call(name, "write", 1, target)


def _networks(name: str, first: str, second: str) -> tuple[Call, ...]:
    """A call that reads a network from two files."""
    return Call(name, "read", 0, (first,)), Call(name, "read", 1, (second,))


PYTHON_CALLS: tuple[Extractor, ...] = (
    Extractor(
        name="python.open",
        finds="files opened, by the mode of `open` and its kin",
        text="python",
        example="with open('a.txt', 'w') as f:\n    f.write(open('b.txt').read())",
        found=(("write", "a.txt"), ("read", "b.txt")),
        calls=(
            *_modes("open io.open codecs.open os.fdopen aiofiles.open anyio.open_file smart_open.open fsspec.open"),
            *_modes("gzip.open bz2.open lzma.open gzip.GzipFile bz2.BZ2File lzma.LZMAFile io.FileIO tokenize.open"),
            *(
                Call(name, "read", 0, ("files",), changes="inplace")
                for name in ("fileinput.input", "fileinput.FileInput")
            ),
            *_reads("linecache.getline runpy.run_path"),
            *_writes(
                "logging.FileHandler logging.handlers.RotatingFileHandler logging.handlers.TimedRotatingFileHandler"
            ),
            Call("logging.basicConfig", "write", 99, ("filename",)),
            Call("loguru.logger.add", "write", 0, ("sink",)),
            *_modes("jsonlines.open"),
            Call("file", "mode", strict=True),
            Call("os.open", "flags"),
            *_reads("filecmp.cmp"),
            *_reads("filecmp.cmp", 1),
        ),
    ),
    Extractor(
        name="python.pathlib",
        finds="files of `pathlib` paths",
        text="python",
        example="folder = Path('out')\n(folder / 'a.txt').write_text(Path('b.txt').read_text())",
        found=(("write", "out/a.txt"), ("read", "b.txt")),
    ),
    Extractor(
        name="python.archive",
        finds="archives, databases and other containers",
        text="python",
        example="import zipfile\nzipfile.ZipFile('a.zip').extractall('out')\nsqlite3.connect('b.db')",
        found=(("read", "a.zip"), ("write", "b.db")),
        calls=(
            *_modes("zipfile.ZipFile zipfile.PyZipFile tarfile.open tarfile.TarFile tarfile.TarFile.open h5py.File"),
            *_modes(
                "netCDF4.Dataset rasterio.open wave.open soundfile.SoundFile fiona.open tables.open_file uproot.open"
            ),
            *_modes("pandas.HDFStore", "a"),
            *_modes("ROOT.TFile ROOT.TFile.Open", "READ"),
            *_modes("astropy.io.fits.open", "readonly"),
            *_modes("asdf.open", "r", 2),
            *_writes("asdf.AsdfFile().write_to asdf.open().write_to"),
            *_modes("numpy.memmap numpy.lib.format.open_memmap", "r+", 2),
            *_writes("shelve.open dbm.open tinydb.TinyDB peewee.SqliteDatabase"),
            *_all("database", "sqlite3.connect aiosqlite.connect"),
            Call("duckdb.connect", "database", reading="read_only"),
            *_writes("uproot.recreate numpy.lib.format.write_array"),
            *_reads("zipfile.ZipFile().write"),
            # mostly a folder's name is given to these, and such a name has no ending
            *_all("read", "tarfile.open().add tarfile.TarFile().add", strict=True),
            *_reads("shutil.unpack_archive patoolib.extract_archive rarfile.RarFile zipfile.is_zipfile"),
            *_modes("py7zr.SevenZipFile"),
            *_all("read", "py7zr.SevenZipFile().write py7zr.SevenZipFile().writeall", strict=True),
        ),
    ),
    Extractor(
        name="python.pandas",
        finds="tables of pandas, polars and their kin",
        text="python",
        example="df = pd.read_csv('in.csv')\ndf.to_parquet(path='out.parquet')",
        found=(("read", "in.csv"), ("write", "out.parquet")),
        calls=(
            *_writes(
                ".to_csv .to_excel .to_json .to_parquet .to_pickle .to_feather .to_hdf .to_html .to_latex"
                " .to_markdown .to_xml"
                " .to_stata .to_orc .to_netcdf .write_csv .write_parquet .write_ipc .write_excel .write_ndjson"
                " .sink_parquet .sink_csv .to_string .to_tsv"
            ),
            *_writes("pandas.ExcelWriter"),
            *_writes("pandas.to_pickle", 1),
            *_reads(
                ".read_csv .read_excel .read_json .read_parquet .read_pickle .read_feather .read_hdf .read_html"
                " .read_table"
                " .read_fwf .read_xml .read_stata .read_sas .read_spss .read_orc .read_ndjson .read_ipc .scan_csv"
                " .scan_parquet .scan_ndjson .read_ods .read_avro"
            ),
            *_reads("spark.read.csv spark.read.json spark.read.parquet spark.read.text spark.read.load spark.read.orc"),
            Call("datasets.load_dataset", "read", 99, ("data_files",)),
            *_reads("pandas.ExcelFile xarray.open_dataset xarray.open_dataarray pyarrow.csv.read_csv pyreadr.read_r"),
            *_reads(
                "pyarrow.dataset.dataset"
                " pyarrow.parquet.read_table pyarrow.parquet.ParquetFile pyarrow.feather.read_table pyarrow.memory_map"
            ),
            *_writes("pyarrow.parquet.write_table pyarrow.csv.write_csv pyarrow.feather.write_feather", 1),
            *_writes("pyarrow.ipc.new_file pyarrow.ipc.new_stream pyarrow.parquet.ParquetWriter"),
        ),
    ),
    Extractor(
        name="python.numpy",
        finds="arrays of numpy, scipy, torch and their kin",
        text="python",
        example="np.savez('a.npz', x=x)\ntorch.save(model.state_dict(), 'm.pt')\ny = np.loadtxt('y.txt')",
        found=(("write", "a.npz"), ("write", "m.pt"), ("read", "y.txt")),
        calls=(
            *_endings(".npy", "numpy.save"),
            *_endings(".npz", "numpy.savez numpy.savez_compressed scipy.sparse.save_npz"),
            *_endings(".mat", "scipy.io.savemat"),
            *_writes("numpy.savetxt .tofile"),
            *_writes("scipy.io.mmwrite .save_weights .save_word2vec_format"),
            *_writes(
                "torch.save joblib.dump safetensors.torch.save_file torch.jit.save torchvision.utils.save_image"
                " keras.models.save_model tensorflow.keras.models.save_model",
                1,
            ),
            *_writes("dill.dump_session"),
            *_writes("onnx.save onnx.save_model pygame.image.save iris.save arviz.to_netcdf Bio.AlignIO.write", 1),
            *_writes("torch.onnx.export sklearn.datasets.dump_svmlight_file", 2),
            *_reads("numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile numpy.fromregex scipy.io.loadmat"),
            *_reads(
                "scipy.io.mmread scipy.sparse.load_npz torch.load joblib.load torch.jit.load"
                " safetensors.torch.load_file"
            ),
            *_reads("keras.models.load_model tensorflow.keras.models.load_model .load_weights pickle.Unpickler"),
            *_reads("scipy.io.readsav scipy.io.arff.loadarff"),
        ),
    ),
    Extractor(
        name="python.figure",
        finds="figures, images and video",
        text="python",
        example="plt.savefig('fig.png')\nimg = Image.open('photo.jpg')",
        found=(("write", "fig.png"), ("read", "photo.jpg")),
        calls=(
            *_writes(
                ".savefig .write_html .write_image .write_json .imsave .imwrite .write_videofile .write_gif"
                " .mimsave .mimwrite .volwrite .print_figure .print_png .print_pdf .print_svg"
            ),
            *_writes(
                "cv2.VideoWriter matplotlib.backends.backend_pdf.PdfPages imageio.get_writer .save_graph"
                " .write_png .write_pdf"
            ),
            Call(".write_pdf", "write", 99, ("target",)),
            *_writes("torchvision.io.write_png torchvision.io.write_jpeg", 1),
            *_writes("holoviews.save bokeh.io.save bokeh.plotting.save", 1),
            *_writes("plotly.offline.plot", 99),
            Call("plotly.offline.plot", "write", 99, ("filename",)),
            *_writes("plotly.io.write_image plotly.io.write_html plotly.io.write_json .plot_model", 1),
            *_reads(".imread .mimread .volread .image_to_string .image_to_data"),
            *_reads(
                "PIL.Image.open cv2.VideoCapture matplotlib.image.imread imageio.get_reader"
                " moviepy.editor.VideoFileClip"
            ),
            *_reads(
                "moviepy.VideoFileClip moviepy.editor.AudioFileClip IPython.display.Image IPython.display.Audio"
                " plotly.io.read_json"
            ),
            Call("PIL.ImageFont.truetype", "read", 0, ("font",)),
            *(
                Call(f"cairosvg.{name}", "read", 99, ("url",))
                for name in "svg2png svg2pdf svg2ps svg2svg svg2eps".split()
            ),
            *_reads("pygame.font.Font"),
            Call("tkinter.PhotoImage", "read", 99, ("file",)),
            Call("tkinter.BitmapImage", "read", 99, ("file",)),
            Call(".iconbitmap", "read", 0, ("bitmap", "default"), strict=True),
            Call(".wm_iconbitmap", "read", 0, ("bitmap", "default"), strict=True),
            *_networks("cv2.dnn.readNet", "model", "config"),
            *_networks("cv2.dnn.readNetFromCaffe", "prototxt", "caffeModel"),
            *_networks("cv2.dnn.readNetFromDarknet", "cfgFile", "darknetModel"),
            *_networks("cv2.dnn.readNetFromTensorflow", "model", "config"),
            *_networks("cv2.dnn.readNetFromModelOptimizer", "xml", "bin"),
            *_networks("cv2.dnn_DetectionModel", "model", "config"),
            *_reads("cv2.dnn.readNetFromTorch cv2.dnn.readNetFromTFLite cv2.dnn.readNetFromONNX"),
            Call("IPython.display.Image", "read", 99, ("filename",)),
            Call("IPython.display.Audio", "read", 99, ("filename",)),
            Call("IPython.display.FileLink", "read"),
            Call(".save", "write", 0, ("fp", "filename", "path", "file", "savefile", "file_path", "out"), strict=True),
            Call(".pdf", "write", 99, ("path",)),
            Call("sympy.preview", "write", 99, ("filename",)),
            *_all("write", ".png .svg .postscript .show_html", strict=True),
            *_writes(
                "networkx.write_gexf networkx.write_graphml networkx.write_gml networkx.write_edgelist"
                " networkx.write_adjlist networkx.write_weighted_edgelist networkx.write_pajek networkx.write_gpickle",
                1,
            ),
            *_reads(
                "networkx.read_gexf networkx.read_graphml networkx.read_gml networkx.read_edgelist"
                " networkx.read_adjlist networkx.read_weighted_edgelist networkx.read_pajek networkx.read_gpickle"
            ),
        ),
    ),
    Extractor(
        name="python.document",
        finds="documents: PDF, Word, PowerPoint, Excel, XML, configuration",
        text="python",
        example="from PyPDF2 import PdfReader\nPdfReader('paper.pdf')\nbook = openpyxl.load_workbook('b.xlsx')",
        found=(("read", "paper.pdf"), ("read", "b.xlsx")),
        calls=(
            *_reads(
                ".PdfReader .PdfFileReader .load_workbook fitz.open pymupdf.open pdfplumber.open pikepdf.open"
                " docx.Document"
            ),
            *_reads(
                "pptx.Presentation xlrd.open_workbook textract.process docx2txt.process pdf2image.convert_from_path"
                " pymupdf4llm.to_markdown"
            ),
            *_reads(
                "pdfminer.high_level.extract_text pdfminer.high_level.extract_pages camelot.read_pdf tabula.read_pdf"
            ),
            *_writes("tabula.convert_into papermill.execute_notebook", 1),
            *_reads(
                "tabula.convert_into papermill.execute_notebook pdfkit.from_file"
                " xml.etree.ElementTree.parse lxml.etree.parse lxml.html.parse xml.dom.minidom.parse"
            ),
            *_reads("xml.sax.parse configparser.ConfigParser().read fitz.Document"),
            Call("dotenv.load_dotenv", "read", 0, ("dotenv_path",)),
            Call("dotenv.dotenv_values", "read", 0, ("dotenv_path",)),
            *_reads("logging.config.fileConfig"),
            Call("ssl.create_default_context", "read", 99, ("cafile",)),
            Call(".load_verify_locations", "read", 0, ("cafile",)),
            Call(".load_cert_chain", "read", 0, ("certfile",)),
            Call(".load_cert_chain", "read", 1, ("keyfile",)),
            Call("autogen.LLMConfig.from_json", "read", 99, ("path",)),
            *_reads(
                "mammoth.convert_to_html extract_msg.Message ebooklib.epub.read_epub nbformat.read"
                " pypandoc.convert_file"
            ),
            *_reads(
                "pyreadstat.read_sav omegaconf.OmegaConf.load PyPDF2.PdfFileReader pypdf.PdfReader PyPDF2.PdfReader"
            ),
            *_writes(
                "xlsxwriter.Workbook svgwrite.Drawing fpdf.FPDF().output reportlab.pdfgen.canvas.Canvas"
                " .SimpleDocTemplate reportlab.platypus.SimpleDocTemplate pyvis.network.Network().show"
            ),
            *_writes(
                "xml.etree.ElementTree.ElementTree().write xml.etree.ElementTree.parse().write"
                " lxml.etree.ElementTree().write lxml.etree.parse().write"
            ),
            *_writes("pdfkit.from_string pdfkit.from_file pdfkit.from_url nbformat.write ebooklib.epub.write_epub", 1),
            *_reads("PyPDF2.PdfMerger().append pypdf.PdfMerger().append pypdf.PdfWriter().append PdfMerger().append"),
            *_writes("PyPDF2.PdfMerger().write pypdf.PdfMerger().write pypdf.PdfWriter().write PdfMerger().write"),
            *_writes("yaml.dump_file omegaconf.OmegaConf.save", 1),
            *_writes("pdf2docx.Converter().convert"),
        ),
    ),
    Extractor(
        name="python.science",
        finds="audio, astronomy, maps, molecules and other files of the sciences",
        text="python",
        example="hp.write_map('map.fits', m)\ny, rate = librosa.load('voice.wav')",
        found=(("write", "map.fits"), ("read", "voice.wav")),
        calls=(
            *_writes(
                "soundfile.write scipy.io.wavfile.write healpy.write_map healpy.write_cl .writeto"
                " astropy.io.fits.writeto astropy.io.fits.setval astropy.io.fits.delval astropy.io.fits.append"
                " astropy.io.fits.update"
            ),
            *_writes("pydub.AudioSegment().export .export_png .save_to_disk_file ase.io.write rdkit.Chem.SDWriter"),
            *_writes(
                "nibabel.save astropy.io.ascii.write Bio.SeqIO.write Bio.Phylo.write .save_to_file"
                " rdkit.Chem.MolToMolFile rdkit.Chem.MolToPDBFile rdkit.Chem.Draw.MolToFile",
                1,
            ),
            *_reads(
                "ffmpeg.input"
                " soundfile.read librosa.load scipy.io.wavfile.read torchaudio.load healpy.read_map healpy.read_cl"
            ),
            *_reads(
                "pydub.AudioSegment.from_file pydub.AudioSegment.from_mp3 pydub.AudioSegment.from_wav"
                " speech_recognition.AudioFile"
            ),
            *_reads(
                "astropy.io.fits.getdata astropy.io.fits.getheader astropy.io.fits.getval astropy.io.fits.info"
                " astropy.table.Table.read astropy.io.ascii.read nibabel.load"
            ),
            *_reads(
                "Bio.SeqIO.parse Bio.SeqIO.read Bio.AlignIO.read ase.io.read MDAnalysis.Universe mdtraj.load"
                " rdkit.Chem.MolFromMolFile"
            ),
            *_reads(
                "rdkit.Chem.MolFromPDBFile rdkit.Chem.SmilesMolSupplier mne.io.read_raw_fif mne.io.read_raw_edf"
                " mne.io.read_raw_bdf mne.io.read_raw"
            ),
            *_reads("MDAnalysis.Universe", 1),
            *(
                Call(f"mdtraj.{name}", "read", 99, ("top",))
                for name in "load iterload load_frame load_xtc load_dcd load_trr load_netcdf".split()
            ),
            *_reads("faiss.read_index weasyprint.HTML"),
            *_writes("faiss.write_index", 1),
            *(
                Call(f"fasttext.{name}", "read", 0, ("input", "path"), strict=True)
                for name in "train_supervised train_unsupervised load_model".split()
            ),
            *_reads("xgboost.DMatrix lightgbm.Dataset catboost.Pool"),
            *_reads("rdkit.Chem.SDMolSupplier pydicom.dcmread SimpleITK.ReadImage trimesh.load chess.pgn.open"),
            *_all(
                "read",
                ".transcribe .get_structure .load_model .readtext .read_file .load_img .open_image .read_image",
                strict=True,
            ),
            *_all("write", ".save_model .to_file", strict=True),
            *_writes("emcee.backends.HDFBackend .wrpcap"),
            *_reads(".rdpcap pefile.PE"),
            *_reads("Bio.PDB.PDBParser().get_structure Bio.PDB.MMCIFParser().get_structure", 1),
            *_writes("astropy.table.Table().write astropy.table.Table.read().write pandas.DataFrame.to_csv"),
        ),
    ),
    Extractor(
        name="python.copy",
        finds="files copied, moved, renamed or linked",
        text="python",
        example="shutil.copy('a.txt', 'b.txt')",
        found=(("read", "a.txt"), ("write", "b.txt")),
        calls=(
            *_both("shutil.copyfile"),
            *_both("os.rename"),
            *_both("os.replace"),
            *_both("os.link"),
            *_both("os.symlink"),
            *_writes("os.mknod os.mkfifo os.truncate"),
        ),
    ),
    Extractor(
        name="python.download",
        finds="files that a download is saved as",
        text="python",
        example="urllib.request.urlretrieve(url, 'data.csv')",
        found=(("write", "data.csv"),),
        calls=(
            Call("urllib.request.urlretrieve", "write", 1, ("filename",)),
            Call("urllib.urlretrieve", "write", 1, ("filename",)),
            Call("wget.download", "write", 1, ("out",)),
            Call("gdown.download", "write", 1, ("output",)),
            Call("torch.hub.download_url_to_file", "write", 1, ("dst",)),
            Call("paramiko.SSHClient().connect", "read", 99, ("key_filename",)),
            *(
                call
                for client in CARRIERS
                for call in (
                    Call(f"{client}.get", "write", 1, ("localpath", "local_path", "local")),
                    Call(f"{client}.put", "read", 0, ("localpath", "files", "local")),
                )
            ),
            Call("boto3.client().download_file", "write", 2, ("Filename",)),
            Call("boto3.client().upload_file", "read", 0, ("Filename",)),
            Call(".download_file", "write", 2, ("Filename",)),
            Call(
                ".upload_file",
                "read",
                0,
                ("Filename", "path_or_fileobj", "path_or_stream", "file", "file_path", "path"),
            ),
            *_all("read", ".set_input_files", 0, strict=True),
            Call(".storage_state", "write", 99, ("path",)),
            Call(".new_context", "read", 99, ("storage_state",)),
            Call(".set_input_files", "read", 1, ("files",), strict=True),
            Call(".download_to_filename", "write"),
            Call(".upload_from_filename", "read"),
            *_all("read", ".log_artifact wandb.save ultralytics.YOLO", strict=True),
            *_reads("google.colab.files.download google.colab.files.view"),
            Call(".download_pdf", "write", 1, ("filename",)),
            Call(".download_source", "write", 1, ("filename",)),
            *_all("read", "webbrowser.open webbrowser.open_new webbrowser.open_new_tab os.startfile", strict=True),
        ),
    ),
    Extractor(
        name="python.sql",
        finds="files that an SQL statement reads or writes by itself",
        text="python",
        example="duckdb.sql(\"COPY (SELECT * FROM 'a.parquet') TO 'b.csv'\")",
        found=(("read", "a.parquet"), ("write", "b.csv")),
    ),
    Extractor(
        name="python.method",
        finds="arguments that look like a file, of methods whose names say reading or writing",
        text="python",
        example="config.read('settings.ini')\nscene.export_mesh('mesh.obj')",
        found=(("read", "settings.ini"), ("write", "mesh.obj")),
    ),
    Extractor(
        name="python.helper",
        finds="arguments that look like a file, of functions whose code is not in the block",
        text="python",
        example="from functions import extract_pdf_text\npath = 'paper.pdf'\nprint(extract_pdf_text(path))",
        found=(("read", "paper.pdf"),),
    ),
)

FUNCTIONS: dict[str, list[tuple[Call, str]]] = {}
METHODS: dict[str, list[tuple[Call, str]]] = {}
for _extractor in PYTHON_CALLS:
    for _call in _extractor.calls:
        _table, _key = (METHODS, _call.name[1:]) if _call.name[0] == "." else (FUNCTIONS, _call.name)
        _table.setdefault(_key, []).append((_call, _extractor.name))
