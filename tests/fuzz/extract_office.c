/*
 * Office documents and books, as br-extract reads them: small whole ones, one part of which is the input. Input: which document,
 * which part of it (a byte each), then the part.
 */
#include "zip.h"

#include "extract/extract.h"

#define REL "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define RELS(x) "<Relationships>" x "</Relationships>"
#define TO(id, type, target) "<Relationship Id=\"" id "\" Type=\"" REL "/" type "\" Target=\"" target "\"/>"

struct text_part { const char *name, *body; };
struct document { enum br_format format; struct text_part part[10]; };
static const struct document documents[] = {
	{ BR_FMT_DOCX, {
		{ "[Content_Types].xml", "<Types/>" }, { "_rels/.rels", RELS(TO("r1", "officeDocument", "word/document.xml")) },
		{ "word/document.xml", "<w:document xmlns:w=\"w\"><w:body><w:p><w:pPr><w:pStyle w:val=\"H1\"/><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>Words</w:t><w:footnoteReference w:id=\"2\"/></w:r></w:p></w:body></w:document>" },
		{ "word/_rels/document.xml.rels", RELS(TO("r1", "styles", "styles.xml") TO("r2", "numbering", "numbering.xml") TO("r3", "footnotes", "footnotes.xml")) },
		{ "word/styles.xml", "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"H1\"><w:name w:val=\"heading 1\"/></w:style></w:styles>" },
		{ "word/numbering.xml", "<w:numbering xmlns:w=\"w\"><w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1.\"/></w:lvl></w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>" },
		{ "word/footnotes.xml", "<w:footnotes xmlns:w=\"w\"><w:footnote w:id=\"2\"><w:p><w:r><w:t>A note</w:t></w:r></w:p></w:footnote></w:footnotes>" },
		{ "docProps/core.xml", "<p><dc:title xmlns:dc=\"d\">Title</dc:title></p>" } } },
	{ BR_FMT_PPTX, {
		{ "[Content_Types].xml", "<Types/>" }, { "_rels/.rels", RELS(TO("r1", "officeDocument", "ppt/presentation.xml")) },
		{ "ppt/presentation.xml", "<p:presentation xmlns:p=\"p\" xmlns:r=\"" REL "\"><p:sldIdLst><p:sldId r:id=\"a\"/></p:sldIdLst></p:presentation>" },
		{ "ppt/_rels/presentation.xml.rels", RELS(TO("a", "slide", "slides/slide1.xml")) },
		{ "ppt/slides/slide1.xml", "<p:sld xmlns:a=\"a\" xmlns:p=\"p\"><p:sp><p:nvPr><p:ph type=\"title\"/></p:nvPr><a:p><a:r><a:t>Title</a:t></a:r></a:p></p:sp><a:tbl><a:tr><a:tc><a:p><a:r><a:t>x</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:sld>" },
		{ "ppt/slides/_rels/slide1.xml.rels", RELS(TO("n", "notesSlide", "../notesSlides/n.xml")) },
		{ "ppt/notesSlides/n.xml", "<p:notes xmlns:a=\"a\" xmlns:p=\"p\"><p:sp><p:nvPr><p:ph type=\"body\"/></p:nvPr><a:p><a:r><a:t>Say this</a:t></a:r></a:p></p:sp></p:notes>" } } },
	{ BR_FMT_XLSX, {
		{ "[Content_Types].xml", "<Types/>" }, { "_rels/.rels", RELS(TO("r1", "officeDocument", "xl/workbook.xml")) },
		{ "xl/workbook.xml", "<workbook xmlns:r=\"" REL "\"><workbookPr date1904=\"0\"/><sheets><sheet name=\"Index\" r:id=\"a\"/></sheets></workbook>" },
		{ "xl/_rels/workbook.xml.rels", RELS(TO("a", "worksheet", "worksheets/sheet1.xml") TO("s", "sharedStrings", "sharedStrings.xml") TO("t", "styles", "styles.xml")) },
		{ "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"inlineStr\"><is><t>x</t></is></c></row><row><c s=\"1\"><v>45000.5</v></c><c t=\"b\"><v>1</v></c><c><v>1.5E+3</v></c></row></sheetData></worksheet>" },
		{ "xl/sharedStrings.xml", "<sst><si><t>Variety</t></si><si><r><t>a</t></r><r><t>b</t></r></si></sst>" },
		{ "xl/styles.xml", "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"yyyy\\-mm\\-dd hh:mm\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/><xf numFmtId=\"9\"/></cellXfs></styleSheet>" } } },
	{ BR_FMT_ODT, {
		{ "mimetype", "application/vnd.oasis.opendocument.text" },
		{ "content.xml", "<office:document-content xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"b\"><office:body><office:text><text:h text:outline-level=\"1\">On bridges</text:h><text:p>A deck<text:s text:c=\"2\"/><text:tab/>x<text:note><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p><text:list><text:list-item><text:p>i</text:p></text:list-item></text:list></office:text></office:body></office:document-content>" },
		{ "meta.xml", "<office:document-meta xmlns:office=\"o\" xmlns:dc=\"d\"><dc:title>T</dc:title></office:document-meta>" },
		{ "META-INF/manifest.xml", "<manifest/>" }, { "styles.xml", "<s/>" } } },
	{ BR_FMT_ODS, {
		{ "mimetype", "application/vnd.oasis.opendocument.spreadsheet" },
		{ "content.xml", "<office:document-content xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"b\"><office:body><office:spreadsheet><table:table table:name=\"T\"><table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"2\"><text:p>See</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>" } } },
	{ BR_FMT_ODP, {
		{ "mimetype", "application/vnd.oasis.opendocument.presentation" },
		{ "content.xml", "<office:document-content xmlns:office=\"o\" xmlns:text=\"t\" xmlns:draw=\"d\" xmlns:presentation=\"p\"><office:body><office:presentation><draw:page><draw:frame presentation:class=\"title\"><text:p>Knots</text:p></draw:frame></draw:page></office:presentation></office:body></office:document-content>" } } },
	{ BR_FMT_EPUB, {
		{ "mimetype", "application/epub+zip" },
		{ "META-INF/container.xml", "<container><rootfiles><rootfile full-path=\"book.opf\"/></rootfiles></container>" },
		{ "book.opf", "<package xmlns:dc=\"d\"><metadata><dc:title>The Ferryman</dc:title><dc:language>en</dc:language></metadata><manifest><item id=\"a\" href=\"a.xhtml\" media-type=\"application/xhtml+xml\"/></manifest><spine><itemref idref=\"a\"/></spine></package>" },
		{ "a.xhtml", "<html><head><title>x</title></head><body><h1>The crossing</h1><p>Halfway over.</p></body></html>" } } },
};

static int read_document(struct br_extracted *e, enum br_format format, struct br_slice zip, struct br_err *err)
{
	return format == BR_FMT_EPUB ? br_extract__epub(e, zip, err) : format >= BR_FMT_ODT ? br_extract__odf(e, format, zip, err) :
	       br_extract__ooxml(e, format, zip, err);
}

FUZZ(extract_office)
{
	struct br_rd r = br_rd(in);
	const struct document *d = &documents[br_rd_u8(&r) % BR_COUNT(documents)];
	struct fuzz_part part[BR_COUNT(d->part)];
	struct br_extracted e;
	struct br_buf zip = BR_BUF_INIT(SIZE_MAX);
	struct br_err err = { 0 };
	size_t n = 0, which = br_rd_u8(&r);

	for (; n < BR_COUNT(part) && d->part[n].name; n++)
		part[n] = (struct fuzz_part){ d->part[n].name, br_slice_str(d->part[n].body) };
	part[which % n].body = fuzz_rest(&r);
	fuzz_zip(&zip, part, n);
	br_extracted_init(&e);
	if (read_document(&e, d->format, br_buf_slice(&zip), &err) == 0) {
		e.format = e.format ? e.format : d->format;
		fuzz_check_rendered(&e);
	} else {
		HOLDS(err.code && err.msg[0]);
	}
	br_extracted_release(&e);
	br_buf_release(&zip);
}
