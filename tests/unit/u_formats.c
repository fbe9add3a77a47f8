/*
 * Office documents and books through the real br-extract: what becomes of each of their features, and that archives and XML made to
 * do harm do none. The documents are made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "documents.h"

#include "extract/zip.c" /* its limits are tested one by one */

#define XML "<?xml version='1.0' encoding='UTF-8'?>"
#define REL "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define RELS(body) XML "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>" body "</Relationships>"
#define RELATION(id, type, target) "<Relationship Id='" id "' Type='" REL type "' Target='" target "'/>"
#define TYPES "[Content_Types].xml", "<Types/>"
#define CORE(title) "docProps/core.xml", XML "<cp:coreProperties xmlns:cp='c' xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>" title \
	"</dc:title></cp:coreProperties>"

/* ---- DOCX ---- */

#define W "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#define W_NS " xmlns:w='" W "' xmlns:r='r' xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006' " \
	"xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math' xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main' xmlns:v='v'"
#define P(text) "<w:p><w:r><w:t>" text "</w:t></w:r></w:p>"
#define PS(style, text) "<w:p><w:pPr><w:pStyle w:val='" style "'/></w:pPr><w:r><w:t>" text "</w:t></w:r></w:p>"
#define PN(num, level, text) "<w:p><w:pPr><w:numPr><w:ilvl w:val='" level "'/><w:numId w:val='" num "'/></w:numPr></w:pPr><w:r><w:t>" text \
	"</w:t></w:r></w:p>"
#define TC(text) "<w:tc><w:p><w:r><w:t>" text "</w:t></w:r></w:p></w:tc>"
#define DOCX_RELS "_rels/.rels", RELS(RELATION("r1", "officeDocument", "word/document.xml"))
#define DOC(body) "word/document.xml", XML "<w:document" W_NS "><w:body>" body "</w:body></w:document>"

static void docx_gives(const char *document, const char *expected)
{
	const char *const parts[] = { TYPES, DOCX_RELS, "word/document.xml", document, NULL };

	parts_give("a.docx", parts, BR_FMT_DOCX, NULL, expected);
}
#define DOCX(body, expected) docx_gives(XML "<w:document" W_NS "><w:body>" body "</w:body></w:document>", expected)

static void test_docx_words(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	DOCX(P("One") P("") P("two  words"), "P0 One\nP0 two words\n");
	DOCX("<w:p><w:r><w:t>spl</w:t></w:r><w:r><w:t xml:space='preserve'>it </w:t><w:tab/><w:t>tab</w:t><w:br/><w:t>line</w:t></w:r></w:p>",
	     "P0 split tab~line\n");
	DOCX("<w:p><w:r><w:t>well</w:t><w:noBreakHyphen/><w:t>known &amp; &lt;ok&gt;</w:t></w:r></w:p>", "P0 well-known & <ok>\n");
	DOCX("<w:p><w:hyperlink r:id='x'><w:r><w:t>link</w:t></w:r></w:hyperlink><w:r><w:fldChar/><w:instrText>PAGE</w:instrText><w:t> 7</w:t></w:r></w:p>",
	     "P0 link 7\n");
	DOCX("<w:p><m:oMath><m:r><m:t>x+1</m:t></m:r></m:oMath><w:r><w:drawing><a:t>hidden</a:t></w:drawing></w:r></w:p>", "P0 x+1\n");
	DOCX("<w:sdt><w:sdtContent>" P("in a control") "</w:sdtContent></w:sdt><w:sectPr><w:footerReference/></w:sectPr>", "P0 in a control\n");
}

static void test_docx_changes(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	DOCX("<w:p><w:r><w:t xml:space='preserve'>It was </w:t></w:r><w:del><w:r><w:delText>bad</w:delText><w:t>worse</w:t></w:r></w:del>"
	     "<w:ins><w:r><w:t>good</w:t></w:r></w:ins><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>", "P0 It was good\n");
	DOCX("<w:p><w:pPr><w:rPr><w:del/></w:rPr><w:pPrChange><w:pPr><w:outlineLvl w:val='0'/></w:pPr></w:pPrChange></w:pPr><w:r><w:t>plain</w:t></w:r></w:p>",
	     "P0 plain\n");
}

static void test_docx_headings(void **state)
{
	static const char *const parts[] = { TYPES, DOCX_RELS, "word/_rels/document.xml.rels", RELS(RELATION("s", "styles", "styles.xml")),
		"word/styles.xml", XML "<w:styles" W_NS ">"
		"<w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
		"<w:style w:styleId='My2'><w:name w:val='Mine'/><w:basedOn w:val='Base2'/></w:style>"
		"<w:style w:styleId='Base2'><w:name w:val='x'/><w:pPr><w:outlineLvl w:val='1'/></w:pPr></w:style>"
		"<w:style w:styleId='Titel'><w:name w:val='Title'/></w:style>"
		"<w:style w:styleId='V1'><w:name w:val='toc 1'/></w:style>"
		"<w:style w:styleId='Loop'><w:name w:val='l'/><w:basedOn w:val='Loop'/></w:style></w:styles>",
		DOC(PS("Titel", "The Report") PS("V1", "Chapter 1 .... 3") PS("berschrift1", "Chapter") P("text") PS("My2", "Section")
		    "<w:p><w:pPr><w:outlineLvl w:val='2'/></w:pPr><w:r><w:t>Deep</w:t></w:r></w:p>"
		    "<w:p><w:pPr><w:pStyle w:val='berschrift1'/><w:outlineLvl w:val='9'/></w:pPr><w:r><w:t>no heading</w:t></w:r></w:p>" PS("Loop", "end")),
		CORE("Stale title"), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.docx", parts, BR_FMT_DOCX, "The Report",
	           "H1 The Report\nH1 Chapter\nP0 text\nH2 Section\nH3 Deep\nP0 no heading\nP0 end\n");
}

#define LVL(n, format, text) "<w:lvl w:ilvl='" n "'><w:start w:val='1'/><w:numFmt w:val='" format "'/><w:lvlText w:val='" text "'/></w:lvl>"

static void test_docx_lists(void **state)
{
	static const char *const parts[] = { TYPES, DOCX_RELS,
		"word/_rels/document.xml.rels", RELS(RELATION("s", "styles", "styles.xml") RELATION("n", "numbering", "/word/numbering.xml")),
		"word/styles.xml", XML "<w:styles" W_NS "><w:style w:styleId='H'><w:name w:val='heading 1'/><w:pPr><w:numPr><w:numId w:val='3'/></w:numPr></w:pPr>"
		"</w:style></w:styles>",
		"word/numbering.xml", XML "<w:numbering" W_NS ">"
		"<w:abstractNum w:abstractNumId='0'>" LVL("0", "decimal", "%1.") LVL("1", "lowerLetter", "%2)") LVL("2", "lowerRoman", "%1.%2.%3") "</w:abstractNum>"
		"<w:abstractNum w:abstractNumId='1'>" LVL("0", "bullet", "o") "</w:abstractNum>"
		"<w:abstractNum w:abstractNumId='2'>" LVL("0", "upperRoman", "Part %1") "</w:abstractNum>"
		"<w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num><w:num w:numId='2'><w:abstractNumId w:val='1'/></w:num>"
		"<w:num w:numId='3'><w:abstractNumId w:val='2'/></w:num>"
		"<w:num w:numId='4'><w:abstractNumId w:val='0'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='7'/></w:lvlOverride></w:num></w:numbering>",
		DOC(PS("H", "Start") PN("1", "0", "a") PN("1", "1", "b") PN("1", "1", "c") PN("1", "2", "d") PN("1", "0", "e") PN("1", "1", "f") PN("2", "0", "g")
		    PN("4", "0", "h") PN("4", "0", "i") PN("0", "0", "none") PN("99", "0", "unknown") PS("H", "Next")), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.docx", parts, BR_FMT_DOCX, "Part I Start",
	           "H1 Part I Start\nL1 1. a\nL2 a) b\nL2 b) c\nL3 1.b.i d\nL1 2. e\nL2 a) f\nL1 - g\nL1 7. h\nL1 8. i\nP0 none\nP0 unknown\nH1 Part II Next\n");
}

static void test_docx_tables(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	DOCX("<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>" TC("Name") TC("Cost") "</w:tr><w:tr>" TC("Tea") TC("2") "</w:tr></w:tbl>",
	     "T0 Name | Cost^~Tea | 2\n");
	DOCX("<w:tbl><w:tblPr><w:tblLook w:val='0420'/></w:tblPr><w:tr>" TC("A") TC("B") "</w:tr><w:tr>" TC("1") TC("") "</w:tr></w:tbl>" P("x"),
	     "T0 A | B^~1 |\nP0 x\n");
	DOCX("<w:tbl><w:tr><w:tc>" P("one") P("two") "</w:tc><w:tc><w:tbl><w:tr>" TC("in") TC("ner") "</w:tr></w:tbl></w:tc></w:tr></w:tbl>",
	     "T0 one two | in ner\n");
}

#define TEXT_BOX "<w:txbxContent>" P("boxed") "</w:txbxContent>"

static void test_docx_beside_the_text(void **state)
{
	static const char *const parts[] = { TYPES, DOCX_RELS,
		"word/_rels/document.xml.rels", RELS(RELATION("f", "footnotes", "footnotes.xml") RELATION("c", "comments", "comments.xml")
		                                     RELATION("h", "header", "header1.xml") RELATION("i", "footer", "footer1.xml")),
		"word/footnotes.xml", XML "<w:footnotes" W_NS "><w:footnote w:id='0' w:type='separator'><w:p/></w:footnote>"
		"<w:footnote w:id='2'>" P("The note") P("and more") "</w:footnote></w:footnotes>",
		"word/comments.xml", XML "<w:comments" W_NS "><w:comment w:id='0' w:author='Ann'>" P("Really?") "</w:comment></w:comments>",
		"word/header1.xml", XML "<w:hdr" W_NS ">" P("Secret plan") P("12") "</w:hdr>", "word/footer1.xml", XML "<w:ftr" W_NS ">" P("Secret plan") "</w:ftr>",
		DOC("<w:p><w:r><w:t>See</w:t><w:footnoteReference w:id='2'/><w:t xml:space='preserve'> this</w:t><w:commentReference w:id='0'/></w:r></w:p>" P("next")
		    "<w:p><w:r><w:t>Box:</w:t><mc:AlternateContent><mc:Choice Requires='wps'><a:x>" TEXT_BOX "</a:x></mc:Choice><mc:Fallback><v:y>" TEXT_BOX
		    "</v:y></mc:Fallback></mc:AlternateContent></w:r></w:p>"
		    "<w:tbl><w:tr>" TC("a") "<w:tc><w:p><w:r><w:t>b</w:t><w:footnoteReference w:id='2'/></w:r></w:p></w:tc></w:tr></w:tbl>"), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.docx", parts, BR_FMT_DOCX, NULL,
	           "P0 See this\nP0 The note and more\nP0 Comment by Ann: Really?\nP0 next\nP0 Box:\nP0 boxed\nT0 a | b\nP0 Secret plan\n");
}

/* ---- PPTX ---- */

#define A_NS " xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main' xmlns:p='p' xmlns:r='" \
	"http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
#define AP(text) "<a:p><a:r><a:t>" text "</a:t></a:r></a:p>"
#define SHAPE(holder, body) "<p:sp><p:nvSpPr><p:nvPr>" holder "</p:nvPr></p:nvSpPr><p:txBody>" body "</p:txBody></p:sp>"
#define SLIDE(body) XML "<p:sld" A_NS "><p:cSld><p:spTree>" body "</p:spTree></p:cSld></p:sld>"

static void test_pptx(void **state)
{
	static const char *const parts[] = { TYPES, "_rels/.rels", RELS(RELATION("r1", "officeDocument", "ppt/presentation.xml")),
		"ppt/presentation.xml", XML "<p:presentation" A_NS "><p:sldIdLst><p:sldId id='256' r:id='s2'/><p:sldId id='257' r:id='s1'/><p:sldId id='258' r:id='gone'/>"
		"</p:sldIdLst></p:presentation>",
		"ppt/_rels/presentation.xml.rels", RELS(RELATION("s1", "slide", "slides/slide1.xml") RELATION("s2", "slide", "slides/slide2.xml")),
		"ppt/slides/slide1.xml", SLIDE("<p:graphicFrame><a:tbl><a:tblPr firstRow='1'/><a:tr><a:tc><a:txBody>" AP("City") "</a:txBody></a:tc><a:tc><a:txBody>"
		AP("People") "</a:txBody></a:tc></a:tr><a:tr><a:tc><a:txBody>" AP("Oslo") "</a:txBody></a:tc><a:tc><a:txBody>" AP("7") "</a:txBody></a:tc></a:tr></a:tbl>"
		"</p:graphicFrame>" SHAPE("<p:ph type='sldNum'/>", AP("2"))),
		"ppt/slides/slide2.xml", SLIDE(SHAPE("<p:ph idx='1'/>", AP("first") "<a:p><a:pPr lvl='1'/><a:r><a:t>deeper</a:t></a:r></a:p>"
		"<a:p><a:pPr><a:buNone/></a:pPr><a:r><a:t>plain</a:t></a:r></a:p>")
		SHAPE("<p:ph type='title'/>", AP("All about") AP("slides")) SHAPE("", AP("loose") "<a:p><a:pPr><a:buAutoNum type='arabicPeriod'/></a:pPr><a:r><a:t>one</a:t></a:r>"
		"</a:p><a:p><a:pPr><a:buAutoNum type='arabicPeriod'/></a:pPr><a:r><a:t>two</a:t></a:r></a:p>")),
		"ppt/slides/_rels/slide2.xml.rels", RELS(RELATION("n", "notesSlide", "../notesSlides/notesSlide1.xml") RELATION("d", "diagramData", "../diagrams/data1.xml")),
		"ppt/notesSlides/notesSlide1.xml", XML "<p:notes" A_NS ">" SHAPE("<p:ph type='sldNum'/>", AP("9")) SHAPE("<p:ph type='body'/>", AP("Speak slowly") AP("and clearly"))
		"</p:notes>",
		"ppt/diagrams/data1.xml", XML "<dgm:dataModel xmlns:dgm='d'" A_NS "><dgm:t>" AP("A box of a diagram") "</dgm:t></dgm:dataModel>",
		CORE("PowerPoint Presentation"), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.pptx", parts, BR_FMT_PPTX, "All about slides",
	           "H1 p1 All about slides\nL1 p1 - first\nL2 p1 - deeper\nP0 p1 plain\nP0 p1 loose\nL1 p1 1. one\nL1 p1 2. two\nP0 p1 A box of a diagram\n"
	           "P0 p1 Notes: Speak slowly\nP0 p1 and clearly\nH1 p2 Slide 2\nT0 p2 City | People^~Oslo | 7\n");
}

/* ---- XLSX ---- */

#define XLSX_RELS "_rels/.rels", RELS(RELATION("r1", "officeDocument", "xl/workbook.xml"))
#define STRINGS "<si><t>Name</t></si><si><r><t>Rich</t></r><r><t xml:space='preserve'> text</t></r><rPh><t>no</t></rPh></si><si><t>Date</t></si>"
#define STYLES "<numFmts><numFmt numFmtId='164' formatCode='dd/mm/yyyy &quot;h&quot;'/><numFmt numFmtId='165' formatCode='[Red]0.00'/></numFmts>" \
	"<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='22'/><xf numFmtId='10'/><xf numFmtId='164'/>" \
	"<xf numFmtId='165'/><xf numFmtId='46'/></cellXfs>"
#define SHEET_1 "<sheetData><row><c t='s'><v>0</v></c><c t='s'><v>2</v></c><c t='inlineStr'><is><t>Note</t></is></c></row>" \
	"<row r='2'><c r='A2' t='s'><v>1</v></c><c r='B2' s='1'><v>45322</v></c><c r='C2'><v>1.2345678901234E+17</v></c></row>" \
	"<row r='3'><c r='A3'><v>0.30000000000000004</v></c><c r='B3' s='2'><v>45322.5625</v></c><c r='D3' t='b'><v>1</v></c></row>" \
	"<row r='4'><c r='A4' s='3'><v>0.125</v></c><c r='B4' s='4'><v>1</v></c><c r='C4' t='str'><f>A1&amp;B1</f><v>result</v></c></row>" \
	"<row r='5'><c r='A5' s='5'><v>-1E-3</v></c><c r='B5' s='6'><v>1.5</v></c><c r='C5' t='e'><v>#REF!</v></c><c r='XFD5'><v>7</v></c></row></sheetData>"

#define SHEET_1_TEXT "H1 p1 Prices & more\nT0 p1 Name | Date | Note^~Rich text | 2024-01-31 | 123456789012340000~0.3 | 2024-01-31 13:30 |  | TRUE~12.5% | 1900-01-01 | result" \
	"~-0.001 | 36:00 | #REF! | 7\nP0 p1 Comment on B2: Check this\n"

static void xlsx_gives(const char *ns, const char *expected)
{
	char *book = br_sprintf(XML "<workbook xmlns='%s/main' xmlns:r='%s/relationships'><sheets><sheet name='Prices &amp; more' sheetId='5' r:id='r1'/>"
	                        "<sheet name='Empty' sheetId='6' r:id='r2'/><sheet name='Hidden' sheetId='7' state='hidden' r:id='r3'/></sheets></workbook>", ns, ns);
	char *sheet = br_sprintf(XML "<worksheet xmlns='%s/main'>" SHEET_1 "</worksheet>", ns);
	const char *const parts[] = { TYPES, XLSX_RELS, "xl/workbook.xml", book,
		"xl/_rels/workbook.xml.rels", RELS(RELATION("r1", "worksheet", "worksheets/sheet1.xml") RELATION("r2", "worksheet", "worksheets/sheet2.xml")
		RELATION("r3", "worksheet", "/xl/worksheets/sheet3.xml") RELATION("s", "styles", "styles.xml") RELATION("t", "sharedStrings", "sharedStrings.xml")),
		"xl/styles.xml", XML "<styleSheet xmlns='x'>" STYLES "</styleSheet>", "xl/sharedStrings.xml", XML "<sst xmlns='x'>" STRINGS "</sst>",
		"xl/worksheets/sheet1.xml", sheet, "xl/worksheets/_rels/sheet1.xml.rels", RELS(RELATION("c", "comments", "../comments1.xml")),
		"xl/comments1.xml", XML "<comments xmlns='x'><commentList><comment ref='B2'><text><r><t>Check\nthis</t></r></text></comment></commentList></comments>",
		"xl/worksheets/sheet2.xml", XML "<worksheet xmlns='x'><sheetData/></worksheet>",
		"xl/worksheets/sheet3.xml", XML "<worksheet xmlns='x'><sheetData><row><c t='inlineStr'><is><t>only a word</t></is></c></row></sheetData></worksheet>", NULL };

	parts_give("a.xlsx", parts, BR_FMT_XLSX, "(none)", expected);
	free(book);
	free(sheet);
}

static void test_xlsx(void **state)
{
	static const char expected[] = SHEET_1_TEXT "H1 p3 Hidden\nP0 p3 only a word\n";

	(void)state;
	if (no_helper())
		skip();
	xlsx_gives("http://schemas.openxmlformats.org/spreadsheetml/2006", expected);
	xlsx_gives("http://purl.oclc.org/ooxml/spreadsheetml", expected);
}

static void test_xlsx_repeats_the_header(void **state)
{
	struct br_buf sheet = BR_BUF_INIT(1 << 20), zip = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	if (no_helper())
		skip();
	br_buf_adds(&sheet, XML "<worksheet xmlns='x'><sheetData><row><c t='str'><v>Part number</v></c><c t='str'><v>Stock</v></c></row>");
	for (int i = 0; i < 300; i++)
		br_buf_addf(&sheet, "<row><c t='str'><v>bolt of size %d</v></c><c><v>%d</v></c></row>", i, 1000 + i);
	br_buf_adds(&sheet, "</sheetData></worksheet>");
	{
		const char *const parts[] = { TYPES, XLSX_RELS, "xl/workbook.xml", XML "<workbook xmlns:r='" REL "'><sheets><sheet name='S' r:id='r1'/></sheets></workbook>",
			"xl/_rels/workbook.xml.rels", RELS(RELATION("r1", "worksheet", "sheet.xml")), "xl/sheet.xml", sheet.ptr, NULL };
		make_zip(&zip, parts);
	}
	br_extracted_init(&e);
	assert_int_equal(extract_bytes(&e, "a.xlsx", BR_FMT_UNKNOWN, br_buf_slice(&zip), &err), 0);
	assert_in_range(e.blocks.n, 5, 9);
	for (size_t i = 1; i < e.blocks.n; i++) {
		assert_int_equal(e.blocks.v[i].kind, BR_BLOCK_TABLE);
		assert_int_equal(e.blocks.v[i].head_len, strlen("Part number | Stock"));
		assert_memory_equal(e.text.ptr + e.blocks.v[i].off, "Part number | Stock\nbolt", 24);
		assert_in_range(e.blocks.v[i].len, 1, 1300);
	}
	assert_non_null(strstr(e.text.ptr, "bolt of size 299 | 1299"));
	br_extracted_release(&e);
	br_buf_release(&sheet);
	br_buf_release(&zip);
}

/* ---- OpenDocument ---- */

#define O_NS " xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0' xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0' " \
	"xmlns:table='urn:oasis:names:tc:opendocument:xmlns:table:1.0' xmlns:style='s' xmlns:draw='d' xmlns:presentation='p' xmlns:dc='http://purl.org/dc/elements/1.1/'"
#define MIME(kind) "!mimetype", "application/vnd.oasis.opendocument." kind
#define CONTENT(styles, kind, body) "content.xml", XML "<office:document-content" O_NS "><office:automatic-styles>" styles "</office:automatic-styles><office:body><office:" \
	kind ">" body "</office:" kind "></office:body></office:document-content>"
#define META(title) "meta.xml", XML "<office:document-meta" O_NS "><office:meta><dc:title>" title "</dc:title></office:meta></office:document-meta>"
#define TP(text) "<text:p>" text "</text:p>"
#define ITEM(text) "<text:list-item>" TP(text) "</text:list-item>"
#define CELL(text) "<table:table-cell>" TP(text) "</table:table-cell>"

static void test_odt(void **state)
{
	static const char *const parts[] = { MIME("text"), META("Meta title"),
		CONTENT("<style:style style:name='P1' style:parent-style-name='Title'/>"
		"<text:list-style style:name='L1'><text:list-level-style-number text:level='1' style:num-format='1' style:num-suffix='.'/>"
		"<text:list-level-style-number text:level='2' style:num-format='a' style:num-suffix=')' text:display-levels='1'/></text:list-style>"
		"<text:list-style style:name='L2'><text:list-level-style-bullet text:level='1'/></text:list-style>", "text",
		"<text:tracked-changes>" TP("deleted") "</text:tracked-changes><text:p text:style-name='P1'>The title</text:p><text:table-of-content>" TP("Contents") "</text:table-of-content>"
		"<text:h text:outline-level='2'>Sub<text:span>ject</text:span></text:h>"
		TP("a<text:s text:c='3'/>b<text:tab/>c<text:line-break/>d<text:note><text:note-citation>1</text:note-citation><text:note-body>" TP("the note") "</text:note-body></text:note>"
		   "<office:annotation><dc:creator>Bob</dc:creator>" TP("hm") "</office:annotation> e <text:date>today</text:date>")
		"<text:list text:style-name='L1'>" ITEM("one") "<text:list-item>" TP("two") TP("more") "<text:list>" ITEM("deep") ITEM("deeper") "</text:list></text:list-item>" ITEM("three")
		"</text:list><text:list text:style-name='L2'>" ITEM("dot") "</text:list>"
		"<table:table><table:table-header-rows><table:table-row>" CELL("A") CELL("B") "</table:table-row></table:table-header-rows><table:table-row>" CELL("1") CELL("2")
		"</table:table-row></table:table>" TP("<draw:frame><draw:text-box>" TP("boxed") "</draw:text-box></draw:frame>beside")), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.odt", parts, BR_FMT_ODT, "The title",
	           "H1 The title\nH2 Subject\nP0 a b c~d e today\nP0 the note\nP0 Comment: hm\nL1 1. one\nL1 2. two\nL1 more\nL2 a) deep\nL2 b) deeper\nL1 3. three\nL1 - dot\n"
	           "T0 A | B^~1 | 2\nP0 beside\nP0 boxed\n");
}

static void test_ods(void **state)
{
	static const char *const parts[] = { MIME("spreadsheet"), META("Sales"),
		CONTENT("", "spreadsheet", "<table:table table:name='North'>"
		"<table:table-row>" CELL("Day") CELL("Sum") "<table:table-cell table:number-columns-repeated='16000'/></table:table-row>"
		"<table:table-row><table:table-cell office:value-type='date' office:date-value='2024-01-31'>" TP("31.01.24") "</table:table-cell>"
		"<table:table-cell office:value-type='float' office:value='1E+15'>" TP("1E+15") "</table:table-cell></table:table-row>"
		"<table:table-row><table:table-cell office:value-type='date' office:date-value='2024-02-01T08:30:00'/><table:covered-table-cell/>"
		"<table:table-cell office:value-type='percentage' office:value='0.5' table:number-columns-repeated='2'>" TP("50 %") "</table:table-cell></table:table-row>"
		"<table:table-row table:number-rows-repeated='2'>" CELL("same") CELL("x") "</table:table-row>"
		"<table:table-row table:number-rows-repeated='1048000'><table:table-cell table:number-columns-repeated='1024'/></table:table-row></table:table>"
		"<table:table table:name='South'><table:table-row><table:table-cell>" TP("only") TP("this") "</table:table-cell></table:table-row></table:table>"), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.ods", parts, BR_FMT_ODS, "Sales",
	           "H1 p1 North\nT0 p1 Day | Sum^~2024-01-31 | 1000000000000000~2024-02-01 08:30 |  | 50 % | 50 %~same | x~same | x\nH1 p2 South\nP0 p2 only this\n");
}

/* A row and a cell that claim to be repeated a billion times are written a few times. */
static void test_ods_repetition_is_bounded(void **state)
{
	static const char *const parts[] = { MIME("spreadsheet"),
		CONTENT("", "spreadsheet", "<table:table table:name='T'><table:table-row table:number-rows-repeated='1000000000'>"
		"<table:table-cell table:number-columns-repeated='1000000000'>" TP("bomb") "</table:table-cell></table:table-row></table:table>"), NULL };
	struct br_buf zip = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	if (no_helper())
		skip();
	make_zip(&zip, parts);
	br_extracted_init(&e);
	assert_int_equal(extract_bytes(&e, "a.ods", BR_FMT_UNKNOWN, br_buf_slice(&zip), &err), 0);
	assert_in_range(e.text.len, 100, (BR_EXTRACT_SPREAD + 1) * (BR_EXTRACT_SPREAD + 1) * 10);
	br_extracted_release(&e);
	br_buf_release(&zip);
}

#define FRAME(class, body) "<draw:frame presentation:class='" class "'><draw:text-box>" body "</draw:text-box></draw:frame>"

static void test_odp(void **state)
{
	static const char *const parts[] = { MIME("presentation"),
		CONTENT("", "presentation", "<draw:page>" FRAME("outline", "<text:list>" ITEM("point") "</text:list>") FRAME("title", TP("Wel<text:span>come</text:span>"))
		FRAME("footer", TP("foot")) "<presentation:notes>" FRAME("page-number", TP("1")) FRAME("notes", TP("say hello")) "</presentation:notes></draw:page>"
		"<draw:page>" TP("loose") "</draw:page>"), NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.odp", parts, BR_FMT_ODP, "Welcome", "H1 p1 Welcome\nL1 p1 - point\nP0 p1 Notes: say hello\nH1 p2 Slide 2\nP0 p2 loose\n");
}

/* ---- EPUB ---- */

#define CONTAINER "META-INF/container.xml", XML "<container><rootfiles><rootfile full-path='OPS/book.opf'/></rootfiles></container>"
#define BOOK XML "<package xmlns='o'><metadata xmlns:dc='d'><dc:title>The Book</dc:title><dc:title>sub</dc:title><dc:language>de-AT</dc:language></metadata><manifest>" \
	"<item id='nav' href='nav.xhtml' media-type='application/xhtml+xml' properties='nav'/><item id='c2' href='two%20b.xhtml' media-type='application/xhtml+xml'/>" \
	"<item id='c1' href='text/one.xhtml' media-type='application/xhtml+xml'/><item id='x' href='gone.xhtml' media-type='application/xhtml+xml'/>" \
	"<item id='css' href='a.css' media-type='text/css'/></manifest>" \
	"<spine><itemref idref='nav'/><itemref idref='c1'/><itemref idref='css'/><itemref idref='x'/><itemref idref='c2'/></spine></package>"

static void test_epub(void **state)
{
	static const char *const parts[] = { "!mimetype", "application/epub+zip", CONTAINER, "OPS/book.opf", BOOK, "OPS/nav.xhtml", "<html><body><p>navigation</p></body></html>",
		"OPS/text/one.xhtml", "<html><head><title>The Book</title></head><body><h1>Erstes</h1><p>Es war.</p></body></html>",
		"OPS/two b.xhtml", XML "<!DOCTYPE html><html xmlns='h'><head><title>Zweites</title></head><body><p>Und &uuml;ber\xfc.</p></body></html>", NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.epub", parts, BR_FMT_EPUB, "The Book", "H1 Erstes\nP0 Es war.\nH1 Zweites\nP0 Und \xc3\xbc" "ber\xc3\xbc.\n");
}

/* ---- locked, damaged, hostile ---- */

#define MANIFEST(body) "META-INF/manifest.xml", XML "<manifest:manifest xmlns:manifest='m'>" body "</manifest:manifest>"

static void test_passwords(void **state)
{
	static const char *const odt[] = { MIME("text"), MANIFEST("<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"), "content.xml", "\x80\x81 noise", NULL };
	static const char *const epub[] = { "!mimetype", "application/epub+zip", CONTAINER,
		"META-INF/encryption.xml", XML "<encryption><EncryptedData><EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes128-cbc'/></EncryptedData></encryption>", NULL };
	struct br_buf ole = BR_BUF_INIT(1 << 20);

	(void)state;
	if (no_helper())
		skip();
	parts_refused("a.odt", odt, -BR_EUNSUPPORTED, "is password-protected");
	parts_refused("a.epub", epub, -BR_EUNSUPPORTED, "DRM");
	br_buf_add(&ole, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	br_buf_addz(&ole, 2040);
	for (size_t i = 0; i < strlen("EncryptedPackage"); i++)
		ole.ptr[1024 + 2 * i] = "EncryptedPackage"[i];
	ole.ptr[1024 + 64] = 34;
	bytes_refused("a.docx", br_buf_slice(&ole), -BR_EUNSUPPORTED, "is password-protected");
	br_buf_release(&ole);
}

static void test_fonts_of_a_book_may_be_scrambled(void **state)
{
	static const char *const parts[] = { "!mimetype", "application/epub+zip", CONTAINER, "OPS/book.opf", BOOK, "OPS/text/one.xhtml", "<p>read me</p>",
		"META-INF/encryption.xml", XML "<encryption><EncryptedData><EncryptionMethod Algorithm='http://www.idpf.org/2008/embedding'/></EncryptedData></encryption>", NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.epub", parts, BR_FMT_EPUB, NULL, "P0 read me\n");
}

static const char *const small[] = { TYPES, DOCX_RELS, DOC(P("some text")), "other.xml", "<x/>", NULL };

static void test_damaged_containers(void **state)
{
	static const char *const headless[] = { TYPES, DOCX_RELS, "word/other.xml", "<x/>", NULL };
	static const char *const torn[] = { TYPES, DOCX_RELS, "word/document.xml", XML "<w:document" W_NS "><w:body>" P("half") "<w:p><w:r>", NULL };
	struct br_buf zip = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	if (no_helper())
		skip();
	make_zip(&zip, small);
	bytes_refused("a.docx", br_slice(zip.ptr, zip.len / 2), -BR_EINPUT, "cut off");
	parts_refused("a.docx", headless, -BR_EINPUT, "main part is missing");
	parts_refused("a.docx", torn, -BR_EINPUT, "'word/document.xml' is damaged at line 1");
	br_extracted_init(&e);
	for (size_t i = 0; i < zip.len; i++) { /* a bit of each byte in turn */
		int rc;
		zip.ptr[i] ^= 0x11;
		rc = extract_bytes(&e, "a.docx", BR_FMT_DOCX, br_buf_slice(&zip), &err);
		if (rc < 0 && rc != -BR_EINPUT && rc != -BR_EUNSUPPORTED && rc != -BR_ETOOBIG)
			fail_msg("byte %zu: %s", i, err.msg);
		zip.ptr[i] ^= 0x11;
	}
	br_extracted_release(&e);
	br_buf_release(&zip);
}

/* Both headers of "other.xml" get the name of the document. */
static void test_two_parts_of_one_name(void **state)
{
	static const char *const parts[] = { TYPES, DOCX_RELS, DOC(P("seen")), "word/docUment.xml", "<x/>", NULL };
	struct br_buf zip = BR_BUF_INIT(1 << 20);
	size_t n = 0;

	(void)state;
	if (no_helper())
		skip();
	make_zip(&zip, parts);
	for (char *p = zip.ptr; (p = memmem(p, zip.len - (size_t)(p - zip.ptr), "docUment", 8)); n++)
		p[3] = 'u';
	assert_int_equal(n, 2);
	bytes_refused("a.docx", br_buf_slice(&zip), -BR_EINPUT, "two parts are named 'word/document.xml'");
	br_buf_release(&zip);
}

static void test_zip_bombs(void **state)
{
	struct br_buf big = BR_BUF_INIT(256 << 20);
	const char *parts[] = { TYPES, DOCX_RELS, "word/document.xml", NULL, NULL };
	char line[20001];

	(void)state;
	if (no_helper())
		skip();
	br_buf_adds(&big, XML "<w:document" W_NS "><w:body><w:p><w:r><w:t>");
	br_buf_addz(&big, 8 << 20);
	memset(big.ptr + big.len - (8 << 20), ' ', 8 << 20);
	parts[5] = big.ptr;
	parts_refused("a.docx", parts, -BR_ETOOBIG, "grows more than 200 times");
	/* grows less than that, but is too large: what repeats is longer than the packer looks back well */
	br_buf_reset(&big);
	for (size_t i = 0; i < sizeof line - 1; i++)
		line[i] = (char)('a' + (i * i / 7 + i * 31 % 23) % 26);
	line[sizeof line - 1] = 0;
	br_buf_adds(&big, XML "<w:document" W_NS "><w:body>");
	while (big.len <= BR_EXTRACT_PART)
		br_buf_addf(&big, P("%s"), line);
	parts[5] = big.ptr;
	parts_refused("a.docx", parts, -BR_ETOOBIG, "larger than 64 MB");
	br_buf_release(&big);
}

static int count_bytes(void *arg, const char *p, size_t n)
{
	(void)p;
	*(size_t *)arg += n;
	return 0;
}

static void test_limit_of_all_parts(void **state)
{
	struct br_buf text = BR_BUF_INIT(1 << 20), zip = BR_BUF_INIT(1 << 20);
	const char *parts[] = { "a", NULL, "b", "x", NULL };
	struct br_extract__zip z;
	struct br_err err;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		br_buf_addf(&text, "%d ", i);
	parts[1] = text.ptr;
	make_zip(&zip, parts);
	assert_int_equal(br_extract__zip_open(&z, br_buf_slice(&zip), &err), 0);
	assert_int_equal(br_extract__zip_count(&z), 2);
	assert_int_equal(br_extract__zip_find(&z, "B"), 1);
	assert_int_equal(br_extract__zip_find(&z, "c"), -1);
	z.left = 100000;
	assert_int_equal(br_extract__zip_unpack(&z, 0, count_bytes, &n, &err), -BR_ETOOBIG);
	assert_non_null(strstr(err.msg, "together"));
	assert_in_range(n, 1, 100000);
	assert_int_equal(br_extract__zip_unpack(&z, 7, count_bytes, &n, &err), -BR_EINPUT);
	br_extract__zip_close(&z);
	br_buf_release(&text);
	br_buf_release(&zip);
}

static void test_too_many_parts(void **state)
{
	struct br_buf zip = BR_BUF_INIT(64 << 20), names = BR_BUF_INIT(1 << 20);
	const char **parts = br_allocn(2 * BR_EXTRACT_PARTS + 4, sizeof *parts);
	struct br_extract__zip z;
	struct br_err err;

	(void)state;
	br_buf_reserve(&names, 16 * (BR_EXTRACT_PARTS + 1));
	for (size_t i = 0; i <= BR_EXTRACT_PARTS; i++) {
		parts[2 * i] = names.ptr + names.len;
		parts[2 * i + 1] = "";
		br_buf_addf(&names, "!%zu", i);
		br_buf_addc(&names, 0);
	}
	make_zip(&zip, parts);
	assert_int_equal(br_extract__zip_open(&z, br_buf_slice(&zip), &err), -BR_ETOOBIG);
	assert_non_null(strstr(err.msg, "more than 10000 parts"));
	br_buf_release(&zip);
	br_buf_release(&names);
	free(parts);
}

#define HOSTILE(dtd, text) { TYPES, DOCX_RELS, "word/document.xml", XML dtd "<w:document" W_NS "><w:body>" P("before") P(text) "</w:body></w:document>", NULL }

/* Entities are not followed: neither to files, nor to each other. */
static void test_hostile_xml(void **state)
{
	static const char *const xxe[] = HOSTILE("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", "[&e;]");
	static const char *const parameter[] = HOSTILE("<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>", "after");
	static const char *const external[] = HOSTILE("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>", "after");
	static const char *const laughs[] = HOSTILE("<!DOCTYPE x [<!ENTITY a 'haaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
	                                            "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>]>", "&e;&e;&e;&e;");
	static const char *const *const all[] = { xxe, parameter, external, laughs };
	struct br_buf zip = BR_BUF_INIT(1 << 20);
	struct br_extracted e;

	(void)state;
	if (no_helper())
		skip();
	br_extracted_init(&e);
	for (size_t i = 0; i < BR_COUNT(all); i++) {
		struct br_err err = { 0 };
		int rc;
		make_zip(&zip, all[i]);
		rc = extract_bytes(&e, "a.docx", BR_FMT_UNKNOWN, br_buf_slice(&zip), &err);
		assert_true(rc == 0 || rc == -BR_EINPUT);
		assert_null(strstr(e.text.ptr, "root"));
		assert_null(strstr(e.text.ptr, "haaa"));
		if (rc < 0)
			assert_non_null(strstr(err.msg, "damaged"));
	}
	br_extracted_release(&e);
	br_buf_release(&zip);
}

static void test_deep_nesting(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	const char *parts[] = { TYPES, DOCX_RELS, "word/document.xml", NULL, NULL };

	(void)state;
	if (no_helper())
		skip();
	br_buf_adds(&b, XML "<w:document" W_NS "><w:body>");
	for (int i = 0; i < 5000; i++)
		br_buf_adds(&b, "<w:tbl><w:tr><w:tc>");
	parts[5] = b.ptr;
	parts_refused("a.docx", parts, -BR_ETOOBIG, "elements within each other");
	br_buf_release(&b);
}

/* ---- the right format, whatever the name says ---- */

static void test_format_by_content(void **state)
{
	static const char *const odd_place[] = { TYPES, "_rels/.rels", RELS(RELATION("r1", "officeDocument", "/w/main.xml")),
		"w/main.xml", XML "<w:document" W_NS "><w:body>" P("x") "</w:body></w:document>", NULL };

	(void)state;
	if (no_helper())
		skip();
	parts_give("a.pptx", small, BR_FMT_DOCX, NULL, "P0 some text\n");
	parts_give("noname", small, BR_FMT_DOCX, NULL, "P0 some text\n");
	parts_give("a.docx", odd_place, BR_FMT_DOCX, NULL, "P0 x\n");
}

/* ---- real files ---- */

static const struct { const char *name, *text; int rc; } real[] = {
	{ "testWORD_various.docx", "This is a footnote.", 0 }, { "testWORD_numbered_list.docx", "Some-1-CrazyFormat", 0 },
	{ "testWORD_truncated.docx", "cut off", -BR_EINPUT }, { "testWORD_protected_passtika.docx", "is password-protected", -BR_EUNSUPPORTED },
	{ "NullHeader.docx", "Hundreds injured in Yemen protest", 0 }, { "tbl-cell-access.docx", "4 | 5 | 6", 0 },
	{ "track_changes_deletion.docx", "This is a text with a deletion.", 0 }, { "unicode.docx", "\xe4\xb8\x96\xe7\x95\x8c", 0 },
	{ "testEXCEL.xlsx", "Number | Square", 0 }, { "testEXCEL_big_numbers.xlsx", "123456789012346", 0 },
	{ "testEXCEL.strict.xlsx", "Sheet 2 row 2", 0 }, { "testEXCEL_protected_passtika.xlsx", "is password-protected", -BR_EUNSUPPORTED },
	{ "testPPT_various.pptx", "[1] This is a footnote.", 0 }, { "testPPT.pptx", "Attachment Test", 0 }, { "testStyles.odt", "3. Three", 0 },
	{ "testODTEncrypted.odt", "is password-protected", -BR_EUNSUPPORTED }, { "test-columnar.ods", "10 | 100 | This is row 10 of 10", 0 },
	{ "wasteland.epub", "April is the cruellest month", 0 },
	{ "minimal-document.pdf", "", 0 }, { "pdflatex-4-pages.pdf", "text without a meaning", 0 }, { "multicolumn.pdf", "This is a sample document with two columns", 0 },
	{ "google-doc-document.pdf", "Beautiful is better than ugly.", 0 }, { "libreoffice-writer-password.pdf", "needs a password", -BR_EUNSUPPORTED },
	{ "pdflatex-forms.pdf", "Name", 0 }, { "imagemagick-images.pdf", "scan", -BR_EUNSUPPORTED }, { "mistitled_outlines_example.pdf", "9 Baz", 0 },
	{ "tracemonkey_a11y.pdf", "Dynamic languages such as JavaScript are more difficult to compile", 0 }, { "helloworld-bad.pdf", "ello, world", 0 },
	{ "bad-PageLabels.pdf", "PDF document with bad Page Labels.", 0 }, { "pdfjsbad1586.pdf", "pdf.js test", 0 },
	{ "empty_protected.pdf", "no text", -BR_EUNSUPPORTED }, { "testPDF_bad_page_303226.pdf", "SCHEDULES OF CONTROLLED SUBSTANCES", 0 },
	{ "testPDF_rotated.pdf", "Apache Tika is a toolkit for detecting", 0 }, { "testPDF_protected.pdf", "Severe Acute Respiratory Syndrome", 0 },
	{ "testOCR.pdf", "scan", -BR_EUNSUPPORTED }, { "distilbert.pdf", "40% smaller", 0 }, { "testPDF_malformedXFA.pdf", "no text", -BR_EUNSUPPORTED },
};

static void test_real_files(void **state)
{
	const char *root = getenv("BR_SHARED");
	struct br_buf bytes = BR_BUF_INIT(64 << 20);
	struct br_extracted e;

	(void)state;
	if (no_helper())
		skip();
	if (!root) {
		print_message("skipped: BR_SHARED not set\n");
		skip();
	}
	br_extracted_init(&e);
	for (size_t i = 0; i < BR_COUNT(real); i++) {
		char *path = br_sprintf("%s/corpora/files/%s", root, real[i].name);
		struct br_err err = { 0 };
		int rc;
		br_buf_reset(&bytes);
		assert_int_equal(br_file_read(&bytes, path, bytes.max, &err), 0);
		rc = extract_bytes(&e, real[i].name, BR_FMT_UNKNOWN, br_buf_slice(&bytes), &err);
		if (rc != real[i].rc || !strstr(rc < 0 ? err.msg : e.text.ptr, real[i].text))
			fail_msg("%s: %d %s: lacks '%s'", real[i].name, rc, err.msg, real[i].text);
		free(path);
	}
	br_extracted_release(&e);
	br_buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docx_words),
		cmocka_unit_test(test_docx_changes),
		cmocka_unit_test(test_docx_headings),
		cmocka_unit_test(test_docx_lists),
		cmocka_unit_test(test_docx_tables),
		cmocka_unit_test(test_docx_beside_the_text),
		cmocka_unit_test(test_pptx),
		cmocka_unit_test(test_xlsx),
		cmocka_unit_test(test_xlsx_repeats_the_header),
		cmocka_unit_test(test_odt),
		cmocka_unit_test(test_ods),
		cmocka_unit_test(test_ods_repetition_is_bounded),
		cmocka_unit_test(test_odp),
		cmocka_unit_test(test_epub),
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_fonts_of_a_book_may_be_scrambled),
		cmocka_unit_test(test_damaged_containers),
		cmocka_unit_test(test_two_parts_of_one_name),
		cmocka_unit_test(test_zip_bombs),
		cmocka_unit_test(test_limit_of_all_parts),
		cmocka_unit_test(test_too_many_parts),
		cmocka_unit_test(test_hostile_xml),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_format_by_content),
		cmocka_unit_test(test_real_files),
	};

	return cmocka_run_group_tests(tests, NULL, documents_end);
}
