/* The words of RTF that mean something to a reader of its text. Sorted by name, which a test checks. */
#include "rtf.h"

#include <stdlib.h>

/* Places, as in rtf.c */
enum { FONTS = 1, STYLES, TITLE, FIELD_CODE, NOWHERE, INFO };

#define W(name, what) { name, what, 0 }
#define C(name, c) { name, RTF_CHAR, c }
#define P(name, place) { name, RTF_PLACE, place }
#define N(name) { name, RTF_PLACE, NOWHERE }

static const struct br_rtf__word words[] = {
	N("aftncn"), N("aftnsep"), N("aftnsepc"), N("annotation"), { "ansicpg", RTF_ANSI, 1252 }, N("atnauthor"),
	N("atndate"), N("atnid"), N("atnref"), N("atrfend"), N("atrfstart"), N("author"), N("background"),
	W("bin", RTF_BIN), N("bkmkend"), N("bkmkstart"), C("bullet", 0x2022), N("buptim"), N("category"),
	W("cell", RTF_CELL), N("colorschememapping"), N("colortbl"), W("column", RTF_PAR), N("comment"), N("company"),
	N("creatim"), N("datafield"), N("datastore"), N("deleted"), N("do"), N("doccomm"), N("docvar"),
	C("emdash", 0x2014), C("emspace", ' '), C("endash", 0x2013), C("enspace", ' '), W("f", RTF_FONT), N("falt"),
	W("fcharset", RTF_CHARSET), N("filetbl"), P("fldinst", FIELD_CODE), W("fldrslt", RTF_TEXT), N("fontemb"),
	P("fonttbl", FONTS), N("footer"), N("footerf"), N("footerl"), N("footerr"), W("footnote", RTF_TEXT),
	N("formfield"), N("ftncn"), N("ftnsep"), N("ftnsepc"), N("generator"), N("header"), N("headerf"),
	N("headerl"), N("headerr"), N("hlinkbase"), P("info", INFO), W("intbl", RTF_INTBL), N("keycode"), N("keywords"),
	N("latentstyles"), C("ldblquote", 0x201c), C("line", '\n'), N("listname"), N("listoverridetable"),
	N("listpicture"), N("listtable"), W("listtext", RTF_ITEM), C("lquote", 0x2018), W("ls", RTF_LIST),
	{ "mac", RTF_ANSI, 10000 }, N("manager"), N("mmathPr"), W("nestcell", RTF_CELL), W("nestrow", RTF_ROW),
	N("nonshppict"), N("objattph"), N("objclass"), N("objdata"), N("object"), N("objname"), N("operator"),
	W("outlinelevel", RTF_OUTLINE), W("page", RTF_PAR), N("panose"), W("par", RTF_PAR), W("pard", RTF_PARD),
	N("passwordhash"), { "pc", RTF_ANSI, 437 }, { "pca", RTF_ANSI, 850 }, N("pgdsctbl"), N("pict"),
	W("plain", RTF_PLAIN), N("pn"), W("pntext", RTF_ITEM), N("printim"), N("private"), N("propname"),
	N("protusertbl"), C("qmspace", ' '), C("rdblquote", 0x201d), W("result", RTF_TEXT), N("revtbl"), N("revtim"),
	W("row", RTF_ROW), C("rquote", 0x2019), N("rsidtbl"), N("rxe"), W("s", RTF_STYLE), W("sect", RTF_PAR),
	N("shp"), N("shpinst"), W("shppict", RTF_TEXT), W("shptxt", RTF_TEXT), N("sn"), N("sp"), N("staticval"),
	P("stylesheet", STYLES), N("subject"), N("sv"), C("tab", ' '), N("tc"), N("template"), N("themedata"),
	P("title", TITLE), W("u", RTF_U), W("uc", RTF_UC), W("ud", RTF_TEXT), N("upr"), N("userprops"),
	W("v", RTF_HIDDEN), N("wgrffmtfilter"), N("xe"), N("xmlnstbl"),
};
#undef W
#undef C
#undef P
#undef N

static int by_name(const void *key, const void *row) { return strcmp(key, ((const struct br_rtf__word *)row)->name); }

const struct br_rtf__word *br_rtf__find(const char *name)
{
	return bsearch(name, words, BR_COUNT(words), sizeof *words, by_name);
}
