"""Names of files in Chinese, Japanese and Korean text, where no blanks stand around them, and what it says of them."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.paths import DOT_NAMES
from ingest.extractors.vocabulary import ROOTS

# letters of these scripts
LETTER: Final = re.compile(
    "[\u1100-\u11ff\u3005-\u3007\u3040-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
# those that have blanks between all words
HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
# full-width marks, which end a word as blanks do
MARKS: Final = frozenset(
    "\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f\uff08\uff09\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f"
    "\u3010\u3011\u201c\u201d\u2018\u2019\u3000\uff5e\uff5c\u2192"
)
SENTENCE_ENDS: Final = ("\u3002", "\uff01", "\uff1f")
# how often the script changes in a path at most
CHANGES: Final = 16
# the rest of a folder's name, and what ends it; words behind which a path begins
FOLDER: Final = re.compile(r"[^/\\.]*(?=[/\\])")
SEPARATOR: Final = re.compile(r"[/\\]")
PLACED: Final = re.compile("(?:[中里下]的|目录|文件夹|以及|[和与及到至为])$")
# what stands in sentences around a path, and seldom in names
SAID: Final = re.compile(
    "[中里下内的有在和与及到为至是读写存成建从了将把并后则时执运打のにをはがへとで에를을의와과]|文件|目录|脚本|包含|查看"
)
# what joins the parts of one name, whatever their scripts
JOINERS: Final = frozenset("_-.")
# words after which a name begins: `saved to`, `saved as`, `written into`, `called`
LEAD: Final = re.compile(
    "(?s)^.*(?:(?:保存|写入|写|输出|导出|存储|储存|存|下载|移动|复制|重命名|命名|改名|上传|放)(?:到|为|至|在|成)了?"
    "|写入了?|名为|叫做)(?=.)"
)
# between two names of a list
AND: Final = re.compile("^(?:以及|还有|和|与|及|或|と|や|및|과|와|、)")
_VERBS: Final = "(?:保存|另存|存储|储存|写入|写到|写好|导出|输出|生成|创建|新建|下载|绘制)"
WRITTEN: Final = re.compile(
    rf"(?:已经?|成功地?)[^\n。]{{0,24}}?{_VERBS}(?:到|为|至|在|成)?了?|{_VERBS}(?:好|到|为|至|在|成)?了|保存[在于]"
)
WRITTEN_AFTER: Final = re.compile(
    r"^[`'\"*”」』》\uff09)]{0,3}[ \t]*(?:"
    rf"(?:文件)?(?:已经?|成功)(?:被|成功)?{_VERBS}"
    r"|(?:という[^\n。]{1,8})?(?:を|に|へ|が|として)(?:正常に)?(?:(?:保存|作成|出力|生成|エクスポート|ダウンロード)"
    r"(?:し(?:ました|た|、|て(?!くだ|下))|され|済)|書き(?:込み|出し)(?:まし|、)|書き(?:込ん|出し)だ?)"
    r"|(?:[ \t]*파일)?(?:에|으로|로|을|를|이|가)?[ \t]*(?:성공적으로[ \t]*)?(?:저장|생성|작성|기록|출력|다운로드)"
    r"(?:했|하였|되었|됐|됨|완료|하고))"
)
# what is wanted, planned or failed has not been made
NOT_WRITTEN: Final = re.compile(
    "请|需要|应该|可以|如果|若|未|没有|没能|无法|不能|失败|将会|将被|就会|我会|想|希望|能否|必须|要求"
)
LISTED: Final = re.compile(r"[\s,\uff0c、`'\"“”「」《》*]+|以及|还有|和|与|及|と")
NAMED: Final = re.compile(r"[^\s]\.[A-Za-z0-9]{1,11}$")
# what says that the word beside it is a file
FILE_BEFORE: Final = re.compile(
    r"(?:文件|脚本|程序|编辑|打开|运行|执行|编译|读取|查看|修改|创建|到|为|ファイル|파일)了?[ \t]*[:\uff1a]?[ \t]*$"
)
FILE_AFTER: Final = re.compile(r"^[ \t]*(?:文件|脚本|程序|源码|ファイル|スクリプト|파일|스크립트)")


def is_letter(character: str) -> bool:
    """Whether a character is a letter of one of these scripts."""
    return character > "\u10ff" and LETTER.match(character) is not None


def name_start(word: str) -> int:
    """Where a file's name begins in the word that it ends; the word's length where no name can be told from it.

    A name in Latin letters begins where those of the other script end. One that has letters of these scripts begins
    with the word, or after `saved to` and its like.
    """
    dot = word.rfind(".")
    if word[dot:] in DOT_NAMES:
        return dot
    latin = False
    changes = 0
    for index in range(dot - 1 if dot > 0 else len(word) - 1, 0, -1):
        character, before = word[index], word[index - 1]
        own, other = is_letter(character), is_letter(before)
        latin = latin or (character.isalpha() and not own)
        if own != other and changes < CHANGES:
            changes += 1
            if _is_in_path(word, index):
                continue
        if other and not own and _begins(word, index, latin):
            return index
        if own and not other and before.isalpha():
            return _after_latin(word, index)
    lead = LEAD.match(word)
    return lead.end() if lead else 0


def is_title(words: list[str]) -> bool:
    """Whether words in quotes are one name, of Chinese or Japanese, and no sentence: `报告 最终.docx`."""
    if len(words) > 3 or not all(is_letter(word[0]) and not HANGUL.match(word) for word in words):
        return False
    return not any(
        FILE_BEFORE.search(word) or LEAD.match(word + " ") or NOT_WRITTEN.search(word) for word in words[:-1]
    )


def _is_in_path(word: str, index: int) -> bool:
    """Whether letters of two scripts meet inside a path that begins before: `/data/销售2024/a.csv`, `/tmp/报告v2.pdf`.

    From the root on its parts may have any letters; a path that begins elsewhere is as often the end of a sentence.
    """
    first = SEPARATOR.search(word, 0, index)
    if first is None or PLACED.search(word, max(0, index - 4), index) or AND.match(word[index : index + 4]):
        return False
    folder = FOLDER.match(word, index)
    if folder is not None:
        start = first.start()
        rooted = start == 0 or word[start - 1] in "~.:" or is_letter(word[start - 1])
        return rooted or folder.group().isdigit()
    # the name itself, which stands behind a folder and no words of the sentence
    part = word[max(word.rfind("/", 0, index), word.rfind("\\", 0, index)) + 1 : word.rfind(".")]
    return len(part) > 2 and not SAID.search(part)


def _begins(word: str, index: int, latin: bool) -> bool:
    """Whether a name begins where letters of these scripts end."""
    character = word[index]
    if character in JOINERS:
        return character == "." and word.startswith(("./", "../", ".\\"), index)
    if character in "/\\":
        # a folder at the root, and not one of a path that began before: `/data/\u6570\u636e/data/a.csv`
        return "/" not in word[:index] and word.lower().startswith(ROOTS, index)
    return latin or character == "~"


def _after_latin(word: str, index: int) -> int:
    """Where a name begins that follows Latin letters: behind an `and`, else it is no name but the end of a sentence."""
    rest = word[index:]
    joined = AND.match(rest)
    if joined and rest[joined.end() : joined.end() + 1] not in ("", "."):
        return index + joined.end()
    return len(word)


def written(sentence: str, after: str) -> bool:
    """Whether a sentence in one of these languages says that the file whose name stands between was made."""
    match = WRITTEN.search(sentence)
    if match and not NOT_WRITTEN.search(sentence[: match.end()]):
        between = sentence[match.end() :]
        # another name may stand between only in a list of names
        if "." not in between or all(NAMED.search(part) for part in LISTED.split(between) if part):
            return True
    return WRITTEN_AFTER.search(after[:80]) is not None
